//! Which of 88 keys sound next? A sequence in, a sequence out: an output for each key after every
//! time step.
//!
//! ```text
//! cargo run --release --example music
//! cargo run --release --example music -- --data jsb --play 96
//! ```
//!
//! The task of Boulanger-Lewandowski, Bengio and Vincent 2012, "Modeling temporal dependencies in
//! high-dimensional sequences", on the chorales of J. S. Bach. The folder holds files whose names
//! end in `_train.txt`, `_valid.txt` and `_test.txt`: a line for each piece, its steps separated by
//! spaces, the keys of a step by commas, and `-` for silence. Without it, the example composes
//! pieces by simple rules. The negative log-likelihood of a step is the sum of the binary
//! cross-entropies of its 88 keys, averaged over all steps; what comes before the first is silence.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;
#[path = "shared/parts.rs"]
mod parts;

use std::error::Error;
use unspool::data::{Padded, pad};
use unspool::layers::Model;
use unspool::losses::bce_with_logits;
use unspool::optim::AdamW;
use unspool::optim::schedules::Plateau;
use unspool::prelude::*;
use unspool::train::EarlyStopping;

const USAGE: &str = "Models piano rolls with recurrent layers.

  --data DIR    piano rolls: files that end in _train.txt, _valid.txt and _test.txt
  --hidden 200  units
  --epochs 40   at most; training stops when the validation loss no longer improves
  --seed 0      of the initial weights, the order and dropout
  --play STEPS  lets the last model compose so many steps";

/// The keys of a piano: 0 is the lowest A.
const KEYS: usize = 88;
/// Training also hears each piece transposed by up to so many semitones up and down.
const TRANSPOSED: isize = 5;

/// The keys that sound at each step.
type Piece = Vec<Vec<usize>>;

fn main() -> Result<(), Box<dyn Error>> {
    let cli = cli::Cli::read(USAGE);
    let (hidden, seed) = (cli.get("hidden"), cli.get("seed"));
    let [train, valid, test] = match cli.optional("data") {
        Some(folder) => {
            let part = |ending| parse(&parts::read(folder, ending)?);
            [part("_train.txt")?, part("_valid.txt")?, part("_test.txt")?]
        }
        None => {
            let rng = &mut rng(seed);
            [60, 20, 20].map(|count| compose(rng, count))
        }
    };
    let shifts = |piece| (-TRANSPOSED..=TRANSPOSED).filter_map(move |by| transposed(piece, by));
    let heard: Vec<Piece> = train.iter().flat_map(shifts).collect();
    println!("{} pieces to train on, {} with those transposed\n", train.len(), heard.len());
    let data = [dataset(&heard)?, dataset(&train)?, dataset(&valid)?, dataset(&test)?];

    println!("Negative log-likelihood per step\nmodel          parameters    train    valid     test  epoch  seconds");
    let start = || sequential().seed(seed);
    learn("last step", start().add(dense(KEYS, KEYS)), &data, &cli)?;
    let rnn = start().add(simple_rnn(KEYS, hidden).return_sequences()).add(dropout(0.5)).add(dense(hidden, KEYS));
    learn("SimpleRNN", rnn, &data, &cli)?;
    let gru = start().add(gru(KEYS, hidden).return_sequences()).add(dropout(0.5)).add(dense(hidden, KEYS));
    learn("GRU", gru, &data, &cli)?;
    let lstm = start().add(lstm(KEYS, hidden).return_sequences()).add(dropout(0.5)).add(dense(hidden, KEYS));
    let model = learn("LSTM", lstm, &data, &cli)?;
    if cli.optional("play").is_some() {
        print!("\n{}", drawn(&play(&model, cli.get("play"), &mut rng(seed))));
    }
    Ok(())
}

/// The negative log-likelihood of a step: of all its keys together.
fn nll<'t>(output: Var<'t>, target: Var<'t>) -> Var<'t> {
    bce_with_logits(output, target) * KEYS as f64
}

/// Trains a model, and prints its row of the table.
fn learn<M>(name: &str, mut model: M, data: &[Dataset; 4], cli: &cli::Cli) -> Result<M, Box<dyn Error>>
where
    M: Model<f32> + Send + Sync,
{
    let [heard, train, valid, test] = data;
    let mut stopping = EarlyStopping::new(6);
    let plateau = Plateau::new().patience(2).factor(0.3);
    let history = fit(&mut model, heard)
        .loss(nll)
        .optimizer(AdamW::default().learning_rate(5e-3).clip_norm(1.0).reduce_on_plateau(plateau))
        .validate(valid)
        .bucket_by_length()
        .epochs(cli.get("epochs"))
        .seed(cli.get("seed"))
        .callback(&mut stopping)
        .quiet()
        .run()?;
    let [train, valid, test] = [train, valid, test].map(|part| evaluate(&model, part, nll));
    let (count, epoch, seconds) = (model.parameter_count(), stopping.best_epoch().unwrap_or(0), history.seconds);
    println!("{name:<13}  {count:>10}  {train:>7.3}  {valid:>7.3}  {test:>7.3}  {epoch:>5}  {seconds:>7.1}");
    Ok(model)
}

/// The steps `[L, 88]` of a piece, 1 where a key sounds.
fn roll(piece: &[Vec<usize>]) -> Tensor {
    Tensor::from_fn([piece.len(), KEYS], |i| f32::from(u8::from(piece[i / KEYS].contains(&(i % KEYS)))))
}

/// Each step is the target after all steps before it.
fn dataset(pieces: &[Piece]) -> Result<Dataset, Box<dyn Error>> {
    let before = |piece: &Piece| roll(&[&[Vec::new()], &piece[..piece.len() - 1]].concat());
    let Padded { x, lengths } = pad(&pieces.iter().map(before).collect::<Vec<_>>())?;
    let y = pad(&pieces.iter().map(|piece| roll(piece)).collect::<Vec<_>>())?.x;
    Ok(Dataset::new(x, y)?.with_lengths(lengths)?)
}

/// A piece so many semitones higher, if there are keys for all of it.
fn transposed(piece: &Piece, by: isize) -> Option<Piece> {
    let key = |key: &usize| key.checked_add_signed(by).filter(|key| *key < KEYS);
    piece.iter().map(|step| step.iter().map(key).collect()).collect()
}

fn parse(text: &str) -> Result<Vec<Piece>, Box<dyn Error>> {
    let key = |key: &str| key.parse().ok().filter(|key| *key < KEYS);
    let step = |step: &str| if step == "-" { Some(Vec::new()) } else { step.split(',').map(key).collect() };
    let piece = |(i, line): (usize, &str)| {
        let piece: Option<Piece> = line.split_whitespace().map(step).collect();
        piece.ok_or_else(|| format!("line {} is not a piece: keys are 0 to 87, and a silent step is -", i + 1).into())
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(piece).collect()
}

/// Chords of a major key, each held for one or two steps, from the tonic to the tonic: a bass with
/// the root, and three voices that move to the nearest note of the chord.
fn compose(rng: &mut Rng, count: usize) -> Vec<Piece> {
    /// Which chords follow one another: degrees of the scale, from 0.
    const NEXT: [[usize; 4]; 7] =
        [[3, 4, 5, 1], [4, 4, 6, 4], [5, 3, 5, 3], [4, 0, 1, 4], [0, 0, 5, 0], [1, 3, 1, 3], [0; 4]];
    const SCALE: [usize; 7] = [0, 2, 4, 5, 7, 9, 11];
    let mut below = |n: usize| (Tensor::<f32>::uniform(rng, [1], 0.0, n as f64).item() as usize).min(n - 1);
    let mut piece = || {
        let (tonic, mut degree, mut voices, mut piece) = (below(12), 0, [37, 42, 47], Piece::new());
        while piece.len() < 16 || degree != 0 {
            let notes = [0, 2, 4].map(|third| (tonic + SCALE[(degree + third) % 7]) % 12);
            for voice in &mut voices {
                let near = |key: usize| {
                    (key - 6..=key + 6).min_by_key(|near| (!notes.contains(&(near % 12)), near.abs_diff(key)))
                };
                *voice = near(*voice + below(3) - 1).expect("a range").clamp(30, 60);
            }
            let step = [vec![18 + notes[0]], voices.to_vec()].concat();
            piece.extend(vec![step; 1 + below(2)]);
            degree = NEXT[degree][below(4)];
        }
        piece
    };
    (0..count).map(|_| piece()).collect()
}

/// A piece of the model's own: every key sounds with its probability after the steps before.
fn play<M: Model<f32> + Sync>(model: &M, steps: usize, rng: &mut Rng) -> Piece {
    let mut piece = vec![Vec::new()]; // silence before the first step
    while piece.len() <= steps {
        let scores = predict(model, &roll(&piece).unsqueeze(1)).select(0, piece.len() - 1).to_vec();
        let chance = Tensor::<f32>::uniform(rng, [KEYS], 0.0, 1.0);
        piece.push((0..KEYS).filter(|&key| chance.at([key]) < 1.0 / (1.0 + (-scores[key]).exp())).collect());
    }
    piece.split_off(1)
}

/// A line for each key between the lowest and the highest that sound, the highest first.
fn drawn(piece: &Piece) -> String {
    let keys = || piece.iter().flatten().copied();
    let line = |key: usize| piece.iter().map(|step| if step.contains(&key) { '#' } else { '.' }).collect::<String>();
    (keys().min().unwrap_or(0)..=keys().max().unwrap_or(0)).rev().map(|key| line(key) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_pieces_whose_padding_does_not_count() {
        let pieces = parse("39,51 - 0\n\n87,12,40\n").unwrap();
        assert_eq!(pieces, [vec![vec![39, 51], vec![], vec![0]], vec![vec![87, 12, 40]]]);
        assert_eq!(transposed(&pieces[0], -1), None);
        for line in ["3 88", "1,x", "1,,2", "-1"] {
            let sentence = parse(&format!("1 2\n{line}\n")).unwrap_err().to_string();
            assert_eq!(sentence, "line 2 is not a piece: keys are 0 to 87, and a silent step is -");
        }
        // Before each step, the one before it; before the first, silence.
        let data = dataset(&pieces).unwrap();
        let [x, y] = [data.x(), data.y()].map(|steps| steps.select(1, 0));
        assert_eq!(x.to_vec(), [vec![0.0; KEYS], y.slice(0, ..2).to_vec()].concat());
        let model = sequential().add(gru(KEYS, 6).return_sequences()).add(dense(6, KEYS));
        let of = |pieces: &[Piece]| evaluate(&model, &dataset(pieces).unwrap(), nll);
        let mean = (3.0 * of(&pieces[..1]) + of(&pieces[1..])) / 4.0;
        assert!((of(&pieces) - mean).abs() < 1e-4, "{mean}");
        let silent = Dense { weight: Tensor::zeros([KEYS, KEYS]), bias: Tensor::full(-50.0, [KEYS]) };
        assert_eq!(play(&silent, 3, &mut rng(0)), vec![Vec::<usize>::new(); 3]);
        assert_eq!(drawn(&vec![vec![4], vec![], vec![4, 5]]), "..#\n#.#\n");
    }
}
