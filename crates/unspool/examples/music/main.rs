//! Music as a piano roll: which of 88 keys sound next, predicted from all earlier steps, with one
//! output for each key.
//!
//! ```text
//! cargo run --release --example music
//! cargo run --release --example music -- --data jsb
//! cargo run --release --example music -- --data jsb --cell gru --generate 96 --picture chorale.svg
//! ```
//!
//! The task of Boulanger-Lewandowski, Bengio and Vincent 2012, "Modeling temporal dependencies in
//! high-dimensional sequences", on the chorales of J. S. Bach. The folder holds files whose names
//! end in `_train.txt`, `_valid.txt` and `_test.txt`: a line for each piece, its steps separated by
//! spaces, the keys of a step by commas, and `-` for silence. Without it, the example composes
//! pieces in the same format by simple rules.
//!
//! The negative log-likelihood of a step is the sum of the binary cross-entropies of its 88 keys,
//! and the mean is taken over all steps of all pieces. The input before the first step is silence,
//! and every step is predicted, including the first; the last column leaves the first steps out, as
//! Bai, Kolter and Koltun 2018 do.

#![forbid(unsafe_code)]

mod chorales;
#[path = "../shared/output.rs"]
mod output;
#[path = "../shared/parts.rs"]
mod parts;
mod picture;
#[path = "../shared/print.rs"]
mod print;
mod roll;

use clap::{Parser, ValueEnum, builder::RangedU64ValueParser};
use print::print;
use rand::RngExt;
use roll::{KEYS, Piece};
use std::path::PathBuf;
use std::process::ExitCode;
use unspool::layers::Model;
use unspool::losses::bce_with_logits;
use unspool::optim::AdamW;
use unspool::optim::schedules::Plateau;
use unspool::prelude::*;
use unspool::train::EarlyStopping;
use unspool::{dropout, evaluate, gru, lstm, predict};

/// Model piano rolls with one recurrent layer, and let it play.
#[derive(Parser)]
#[command(name = "music")]
struct Options {
    /// The folder with piano rolls, such as JSB_Chorales_train.txt, _valid.txt and _test.txt;
    /// without it, pieces composed by simple rules
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Train only this cell; without it, all three
    #[arg(long)]
    cell: Option<CellName>,
    /// The number of units
    #[arg(long, value_name = "H", default_value_t = 200, value_parser = between::<usize>(1, 4096))]
    hidden: usize,
    /// The learning rate; it is reduced when the validation loss stops improving
    #[arg(long, value_name = "RATE", default_value_t = 5e-3, value_parser = positive)]
    rate: f64,
    /// The dropout probability of the units' outputs
    #[arg(long, value_name = "RATE", default_value_t = 0.5, value_parser = part)]
    dropout: f64,
    /// Also train on each piece transposed by up to N semitones up and down
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = between::<usize>(0, 11))]
    transpose: usize,
    /// The maximum number of epochs; training stops early when the validation loss stops improving
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = between::<usize>(1, 10_000))]
    epochs: usize,
    /// The seed of the initial weights, the order, dropout and composing
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Let the best cell compose this many steps, each key drawn with its probability
    #[arg(long, value_name = "STEPS", value_parser = between::<usize>(1, 1000))]
    generate: Option<usize>,
    /// Draw the composed piece to this SVG file
    #[arg(long, value_name = "FILE", requires = "generate")]
    picture: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum CellName {
    SimpleRnn,
    Gru,
    Lstm,
}

/// Pieces per step of training.
const BATCH: usize = 32;
/// Epochs in a row that may be no better than the best.
const PATIENCE: usize = 6;

fn between<T: TryFrom<u64>>(least: u64, most: u64) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(least..=most)
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && number.is_finite());
    number.ok_or_else(|| "it must be a number above 0".to_string())
}

fn part(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..1.0).contains(number));
    number.ok_or_else(|| "it must be a number from 0 to less than 1".to_string())
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("music: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<Vec<Outcome>, String> {
    if let Some(file) = &options.picture {
        output::check(file)?; // before the training, so that a file that cannot be written is told at once
    }
    let parts = match &options.data {
        Some(folder) => roll::load(folder)?,
        None => {
            print("These pieces are composed by rules; --data DIR takes real ones.\n")?;
            chorales::compose(&mut rng(options.seed))
        }
    };
    let [train, valid, test] = [&parts[0], &parts[1], &parts[2]];
    let heard = roll::transposed(train, options.transpose);
    let data =
        Data { train: train.dataset()?, valid: valid.dataset()?, test: test.dataset()?, heard: heard.dataset()? };
    print(&format!(
        "{} pieces to learn from ({} with those transposed), {} to validate, {} to test; {:.1} keys sound at a time\n\n",
        train.len(),
        heard.len(),
        valid.len(),
        test.len(),
        train.density()
    ))?;
    print("Negative log-likelihood per step\n")?;
    print(&format!("{:<12} parameters   train   valid    test  test without first steps  epochs  seconds\n", ""))?;
    let often = roll::frequencies(train);
    let [a, b, c] = [train, valid, test].map(|pieces| pieces.nll(&often));
    print(&format!("{:<12} {KEYS:>10} {a:>7.3} {b:>7.3} {c:>7.3}\n", "how often"))?;

    let (hidden, start, left_out) = (options.hidden, sequential().seed(options.seed), dropout(options.dropout));
    let mut outcomes = Vec::new();
    for cell in CellName::value_variants().iter().filter(|cell| options.cell.is_none_or(|chosen| chosen == **cell)) {
        let outcome = match cell {
            CellName::SimpleRnn => {
                let layer = start.clone().add(simple_rnn(KEYS, hidden).return_sequences());
                learn("simple-rnn", layer.add(left_out).add(dense(hidden, KEYS)), &data, options)
            }
            CellName::Gru => {
                let layer = start.clone().add(gru(KEYS, hidden).return_sequences());
                learn("gru", layer.add(left_out).add(dense(hidden, KEYS)), &data, options)
            }
            CellName::Lstm => {
                let layer = start.clone().add(lstm(KEYS, hidden).return_sequences());
                learn("lstm", layer.add(left_out).add(dense(hidden, KEYS)), &data, options)
            }
        }?;
        outcome.print()?;
        outcomes.push(outcome);
    }
    let best = outcomes.iter().min_by(|a, b| a.valid.total_cmp(&b.valid)).expect("one cell at least");
    print(&format!("\n{} is the best on the validation pieces.\n", best.name))?;
    if let Some(piece) = &best.played {
        print(&format!("It plays:\n\n{}\n", picture::text(piece)))?;
        if let Some(file) = &options.picture {
            output::write(file, &picture::svg(piece)?)?;
            print(&format!("\ndrawn to {}\n", file.display()))?;
        }
    }
    Ok(outcomes)
}

/// The parts as examples.
struct Data {
    train: Dataset,
    valid: Dataset,
    test: Dataset,
    /// What training hears: the first, and the same transposed.
    heard: Dataset,
}

/// What came of a training.
struct Outcome {
    name: &'static str,
    parameters: usize,
    /// Negative log-likelihoods per step.
    train: f64,
    valid: f64,
    test: f64,
    /// That of the test pieces without their first steps.
    later: f64,
    /// The epoch with the best validation loss.
    epochs: usize,
    seconds: f64,
    /// A piece of its own.
    played: Option<Piece>,
}

impl Outcome {
    /// A line of the table.
    fn print(&self) -> Result<(), String> {
        let Outcome { name, parameters, train, valid, test, later, epochs, seconds, .. } = self;
        print(&format!(
            "{name:<12} {parameters:>10} {train:>7.3} {valid:>7.3} {test:>7.3} {later:>24.3} {epochs:>7} {seconds:>8.1}\n"
        ))
    }
}

/// The negative log-likelihood of a step: of all its keys together.
fn nll<'t>(output: Var<'t>, target: Var<'t>) -> Var<'t> {
    bce_with_logits(output, target) * KEYS as f64
}

/// Trains a model.
fn learn<M>(name: &'static str, mut model: M, data: &Data, options: &Options) -> Result<Outcome, String>
where
    M: for<'t> Model<'t, f32> + Send + Sync,
{
    let mut stopping = EarlyStopping::new(PATIENCE);
    let adamw = AdamW::default().learning_rate(options.rate).clip_norm(1.0);
    let history = fit(&mut model, &data.heard)
        .loss(nll)
        .optimizer(adamw.reduce_on_plateau(Plateau::new().patience(2).factor(0.3)))
        .validate(&data.valid)
        .bucket_by_length()
        .batch_size(BATCH)
        .epochs(options.epochs)
        .seed(options.seed)
        .callback(&mut stopping)
        .quiet()
        .run()
        .map_err(|e| format!("training {name}: {e}"))?;
    let [train, valid, test] = [&data.train, &data.valid, &data.test].map(|part| evaluate(&model, part, nll));
    let later = without_first(&model, &data.test, test);
    let played = options.generate.map(|steps| play(&model, steps, &mut rng(options.seed)));
    let (epochs, seconds) = (stopping.best_epoch().unwrap_or(0), history.seconds);
    Ok(Outcome { name, parameters: model.parameter_count(), train, valid, test, later, epochs, seconds, played })
}

/// The mean over all steps but the first of each piece, from that over all of them.
fn without_first<M: for<'t> Model<'t, f32> + Sync>(model: &M, data: &Dataset, all: f64) -> f64 {
    let [x, y] = [data.x(), data.y()].map(|steps| steps.slice(0, ..1));
    let first = evaluate(model, &Dataset::new(x, y).expect("as many targets as inputs"), nll);
    let (pieces, steps) = (data.len() as f64, data.lengths().expect("told").iter().sum::<usize>() as f64);
    (all * steps - first * pieces) / (steps - pieces)
}

/// A piece of the model's own: every key of a step is drawn with its probability after the steps
/// before. For each step all before are computed again, which is short, and fast enough.
fn play<M: for<'t> Model<'t, f32> + Sync>(model: &M, steps: usize, rng: &mut Rng) -> Piece {
    let mut piece = Piece::new();
    for t in 0..steps {
        piece.push(Vec::new()); // to come; the inputs do not look at it
        let scores = predict(model, &roll::inputs(&piece).unsqueeze(1)).select(0, t).to_vec();
        let sounds = |score: f32| rng.random::<f32>() < 1.0 / (1.0 + (-score).exp());
        piece[t] =
            scores.into_iter().map(sounds).enumerate().filter(|(_, sounds)| *sounds).map(|(key, _)| key).collect();
    }
    piece
}

#[cfg(test)]
mod tests {
    use super::*;
    use roll::Pieces;

    fn options(arguments: &[&str]) -> Options {
        Options::try_parse_from(["music"].iter().chain(arguments)).expect("valid arguments")
    }

    fn model() -> impl for<'t> Model<'t, f32> + Send + Sync {
        sequential().add(gru(KEYS, 6).return_sequences()).add(dropout(0.5)).add(dense(6, KEYS))
    }

    #[test]
    fn padding_does_not_count() {
        let pieces = Pieces(vec![vec![vec![30, 34], vec![87]], vec![vec![0]; 5], vec![vec![]]]);
        let together = evaluate(&model(), &pieces.dataset().unwrap(), nll);
        let alone = |piece: &Piece| {
            evaluate(&model(), &Pieces(vec![piece.clone()]).dataset().unwrap(), nll) * piece.len() as f64
        };
        let mean = pieces.0.iter().map(alone).sum::<f64>() / 8.0;
        assert!((together - mean).abs() < 1e-4, "{together} {mean}");
    }

    #[test]
    fn a_step_costs_the_sum_over_its_keys() {
        let tape = Tape::new();
        let [scores, target] = [0.0, 1.0].map(|value| tape.constant(&Tensor::full(value, [3, KEYS])));
        assert!((nll(scores, target).item() - 88.0 * 2f32.ln()).abs() < 1e-4);
    }

    #[test]
    fn first_steps_are_left_out() {
        let pieces = [vec![vec![30], vec![40], vec![50]], vec![vec![20], vec![10, 11]]];
        let data = Pieces(pieces.to_vec()).dataset().unwrap();
        let model = model();
        // By hand: step by step.
        let mut sum = 0.0;
        for piece in &pieces {
            let scores = predict(&model, &roll::inputs(piece).unsqueeze(1)).to_vec();
            for (t, step) in piece.iter().enumerate().skip(1) {
                for (key, score) in scores[t * KEYS..][..KEYS].iter().enumerate() {
                    let sign = if step.contains(&key) { -1.0 } else { 1.0 };
                    sum += (sign * f64::from(*score)).exp().ln_1p();
                }
            }
        }
        let later = without_first(&model, &data, evaluate(&model, &data, nll));
        assert!((later - sum / 3.0).abs() < 1e-4, "{later} {}", sum / 3.0);
    }

    #[test]
    fn what_is_composed_is_learned() {
        let arguments = [
            "--cell",
            "gru",
            "--hidden",
            "32",
            "--rate",
            "0.02",
            "--epochs",
            "20",
            "--transpose",
            "0",
            "--generate",
            "5",
        ];
        let outcomes = run(&options(&arguments)).unwrap();
        let parts = chorales::compose(&mut rng(0));
        let guessed = parts[2].nll(&roll::frequencies(&parts[0]));
        assert!(outcomes.len() == 1 && outcomes[0].test < 0.85 * guessed, "{} {guessed}", outcomes[0].test);
        assert_eq!(outcomes[0].played.as_ref().unwrap().len(), 5);
    }

    #[test]
    fn keys_are_drawn_with_their_probabilities() {
        // Always silent but for one key, that always sounds, and one that sounds half the time.
        let bias = Tensor::from_fn([KEYS], |key| {
            [-50.0, 50.0, 0.0][if key == 7 {
                1
            } else if key == 9 {
                2
            } else {
                0
            }]
        });
        let model = Dense { weight: Tensor::zeros([KEYS, KEYS]), bias };
        let piece = play(&model, 100, &mut rng(0));
        assert!(piece.iter().all(|step| step == &[7] || step == &[7, 9]), "{piece:?}");
        let both = piece.iter().filter(|step| step.len() == 2).count();
        assert!((30..70).contains(&both), "{both}");
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        for arguments in [
            ["--hidden", "0"],
            ["--epochs", "0"],
            ["--dropout", "1"],
            ["--rate", "0"],
            ["--transpose", "12"],
            ["--generate", "0"],
            ["--cell", "x"],
        ] {
            let refused = Options::try_parse_from(["music"].iter().chain(&arguments)).err().expect("refused");
            assert!(refused.to_string().contains(arguments[0]), "{refused}");
        }
        assert!(Options::try_parse_from(["music", "--picture", "a.svg"]).is_err());
    }

    #[test]
    fn a_picture_that_cannot_be_drawn_is_told_before_the_training() {
        let said = run(&options(&["--generate", "3", "--picture", "no/such/folder/a.svg"])).err().unwrap();
        assert!(said.starts_with("cannot write no/such/folder/a.svg: "), "{said}");
    }
}
