//! Who is speaking? Sequences of different lengths, read in both directions.
//!
//! ```text
//! cargo run --release --example vowels
//! cargo run --release --example vowels -- --data japanese_vowels
//! ```
//!
//! Japanese Vowels (Kudo, Toyama and Shimbo 1999): nine speakers say /ae/, and each utterance is 7
//! to 29 time steps of 12 coefficients. The folder holds `JapaneseVowels_TRAIN.ts` and
//! `JapaneseVowels_TEST.ts` of the UEA archive (<https://timeseriesclassification.com>), or such a
//! pair of files of another of its classification data sets. Without it, the example generates
//! utterances of the same shape.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;
#[path = "shared/parts.rs"]
mod parts;

use std::error::Error;
use unspool::data::{StandardScaler, pad};
use unspool::losses::sparse_cross_entropy;
use unspool::prelude::*;
use unspool::recurrent::Bidirectional;
use unspool::text::Vocabulary;
use unspool::train::metrics::{ConfusionMatrix, sparse_accuracy};

const USAGE: &str = "Recognizes speakers by their vowels, with a bidirectional GRU.

  --data DIR    a data set of the UEA archive: two files that end in _TRAIN.ts and _TEST.ts
  --hidden 64   units in each direction
  --epochs 100  passes over the training utterances
  --seeds 3     how many times the model is trained";

/// A GRU in both directions, the mean of its outputs over time, and a score for each speaker.
#[derive(Params)]
struct Classifier<P> {
    gru: Bidirectional<Gru<P>>,
    head: Dense<P>,
}

impl<'t> Layer<'t, f32> for Classifier<Var<'t>> {
    type Output = Var<'t>;

    /// `[T, B, F]` to `[B, speakers]`.
    fn apply(&self, xs: Var<'t>, cx: Context<'_>) -> Var<'t> {
        // After the end of a sequence the outputs are zeros: the sum is one over its own steps.
        let sum = self.gru.apply(xs, cx.fold_in(0)).sequence().sum_axes(&[0]);
        let [time, batch] = [0, 1].map(|axis| xs.shape()[axis]);
        let length = |i: usize| cx.lengths().map_or(time, |lengths| lengths[i]);
        let lengths = xs.tape().constant(&Tensor::from_fn([batch, 1], |i| length(i) as f32));
        self.head.apply(cx.fold_in(1).dropout(sum / lengths, 0.5), cx)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let cli = cli::Cli::read(USAGE);
    let [train, test] = match cli.optional("data") {
        Some(folder) => [parse(&parts::read(folder, "_TRAIN.ts")?)?, parse(&parts::read(folder, "_TEST.ts")?)?],
        None => generated(&mut rng(0)),
    };
    // What scales the utterances and numbers the speakers comes from the training part alone.
    let speakers = Vocabulary::new(train.iter().map(|(_, speaker)| &speaker[..]), 1, [])?;
    let scaler = StandardScaler::fit(&Tensor::concat(0, train.iter().map(|(steps, _)| steps)))?;
    let dataset = |utterances: &[Utterance]| -> Result<Dataset<Tensor, Indices>, Box<dyn Error>> {
        let padded = pad(&utterances.iter().map(|(steps, _)| scaler.transform(steps)).collect::<Vec<_>>())?;
        let classes = speakers.encode(utterances.iter().map(|(_, speaker)| &speaker[..]))?;
        Ok(Dataset::classes(padded.x, classes)?.with_lengths(padded.lengths)?)
    };
    let (train, test) = (dataset(&train)?, dataset(&test)?);

    let (features, hidden, seeds): (usize, usize, u64) = (train.x().shape()[2], cli.get("hidden"), cli.get("seeds"));
    println!("{} utterances to train on, {} to test on, {} speakers", train.len(), test.len(), speakers.len());
    println!("seed  final loss  training accuracy  test accuracy  seconds");
    let mut accuracies = Vec::new();
    for seed in 0..seeds {
        let rng = &mut rng(seed);
        let gru = Bidirectional::new(Gru::new(rng, features, hidden), Gru::new(rng, features, hidden));
        let mut model = Classifier { gru, head: Dense::new(rng, 2 * hidden, speakers.len()) };
        let history = fit(&mut model, &train)
            .loss(sparse_cross_entropy)
            .optimizer(Adam::default().learning_rate(3e-3))
            .batch_size(30)
            .epochs(cli.get("epochs"))
            .seed(seed)
            .quiet()
            .run()?;
        let [learned, right] = [&train, &test].map(|data| 100.0 * evaluate(&model, data, sparse_accuracy));
        let (loss, seconds) = (history.loss.last().unwrap_or(&f64::NAN), history.seconds);
        println!("{seed:<4}  {loss:>10.5}  {learned:>16.2}%  {right:>12.2}%  {seconds:>7.1}");
        accuracies.push(right);
        if seed + 1 == seeds {
            let scores = predict(&model, &test);
            println!("\n{}\n", ConfusionMatrix::new(&scores, test.y().clone()).labels(speakers.tokens()));
        }
    }
    println!("mean test accuracy {:.2}%", accuracies.iter().sum::<f64>() / seeds as f64);
    Ok(())
}

/// The time steps `[L, F]` of a sequence, and who spoke it.
type Utterance = (Tensor, String);

/// Reads a `.ts` file of the UEA archive. After the line `@data`, each line is a sequence: the
/// values of a channel at all time steps, separated by commas, a colon, the next channel, and so
/// on, and after the last colon its class.
fn parse(text: &str) -> Result<Vec<Utterance>, String> {
    let (header, lines) = text.split_once("@data").ok_or("no line is @data: this is no .ts file")?;
    let utterance = |line: &str| {
        let (channels, speaker) = line.rsplit_once(':')?;
        let (count, value) = (channels.split(':').count(), |value: &str| value.trim().parse::<f32>().ok());
        let values: Vec<f32> = channels.split([':', ',']).map(value).collect::<Option<_>>()?;
        let steps = values.len() / count;
        let equal = channels.split(':').all(|channel| channel.split(',').count() == steps);
        equal.then(|| (Tensor::from_vec(values, [count, steps]).t(), speaker.trim().to_string()))
    };
    let first = header.lines().count() + 1;
    let sentence = |i: usize| format!("line {} is not channels of as many numbers each, and a class", first + i);
    let lines = lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(i, line)| utterance(line).ok_or_else(|| sentence(i))).collect()
}

/// Utterances of the same shape, to train on and to test on: the channels glide from one value to
/// another, which are each speaker's own.
fn generated(rng: &mut Rng) -> [Vec<Utterance>; 2] {
    let speakers: Tensor = Tensor::uniform(rng, [9, 2, 12], -1.0, 1.0);
    let mut utterance = |i: usize| {
        let steps = Tensor::<f32>::uniform(rng, [1], 7.0, 30.0).item() as usize;
        let noise: Tensor = Tensor::uniform(rng, [steps + 1, 12], -0.7, 0.7);
        let value = |t: usize, c: usize| {
            let [from, to] = [0, 1].map(|end| speakers.at([i % 9, end, c]));
            from + (to - from) * t as f32 / steps as f32 + noise.at([t, c]) + noise.at([steps, c])
        };
        (Tensor::from_fn([steps, 12], |k| value(k / 12, k % 12)), (i % 9 + 1).to_string())
    };
    [270, 370].map(|count| (0..count).map(&mut utterance).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_sequences_whose_padding_changes_no_score() {
        let utterances = parse("@classLabel true a b\n@data\n1,2,3:-4,5e-1,6:a\r\n7:8:b\n\n").unwrap();
        assert_eq!(utterances[0].0.to_vec(), [1.0, -4.0, 2.0, 0.5, 3.0, 6.0]);
        assert_eq!(utterances[1], (Tensor::from_vec(vec![7.0, 8.0], [1, 2]), "b".to_string()));
        for line in ["1,2", "1,2:3:a", "1,x:2,3:a"] {
            let sentence = parse(&format!("@timeStamps false\n@data\n{line}\n")).unwrap_err();
            assert_eq!(sentence, "line 3 is not channels of as many numbers each, and a class", "{line}");
        }
        let rng = &mut rng(1);
        let gru = Bidirectional::new(Gru::new(rng, 2, 5), Gru::new(rng, 2, 5));
        let model = Classifier { gru, head: Dense::new(rng, 10, 2) };
        let together = predict(&model, &pad(&[utterances[0].0.clone(), utterances[1].0.clone()]).unwrap());
        let alone = predict(&model, &utterances[1].0.unsqueeze(1));
        let errors = together.slice(0, 1..).zip(&alone, |a, b| (a - b).abs()).to_vec();
        assert!(errors.iter().all(|error| *error < 1e-6), "{errors:?}");
    }
}
