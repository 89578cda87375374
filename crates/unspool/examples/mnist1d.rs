//! One-dimensional digits, classified by a bidirectional GRU.
//!
//! ```text
//! cargo run --release --example mnist1d
//! cargo run --release --example mnist1d -- --data mnist1d
//! ```
//!
//! MNIST-1D (Greydanus and Kobak 2024, "Scaling down deep learning with MNIST-1D", github.com/greydanus/mnist1d):
//! 4,000 training sequences of 40 values and 1,000 test sequences, ten classes. The model and its training are those
//! published there: a bidirectional GRU(6), the outputs of all time steps into one dense layer, Adam with learning rate
//! 0.01, batch size 100, 6,000 steps. The folder holds `train.csv` and `test.csv`, without a header, the class in the
//! first column. Without it, the example generates sequences of the same shape.

#![forbid(unsafe_code)]

use clap::{Parser, builder::RangedU64ValueParser};
use rand::RngExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use unspool::data::Csv;
use unspool::layers::Model;
use unspool::losses::cross_entropy;
use unspool::prelude::*;
use unspool::recurrent::Bidirectional;
use unspool::{Gru, predict};

const CLASSES: usize = 10;
const LENGTH: usize = 40;
const HIDDEN: usize = 6;
const BATCH: usize = 100;

/// Classify the digits of MNIST-1D with a bidirectional GRU(6).
#[derive(Parser)]
#[command(name = "mnist1d")]
struct Options {
    /// The folder with train.csv and test.csv; without it, generated sequences
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The number of training steps, 100 sequences each, in whole epochs
    #[arg(long, value_name = "N", default_value_t = 6000, value_parser = between::<usize>(1, 10_000_000))]
    steps: usize,
    /// How many times the model is trained: with seeds 0 to N - 1
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = between::<u64>(1, 100))]
    seeds: u64,
}

fn between<T: TryFrom<u64>>(least: u64, most: u64) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(least..=most)
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("mnist1d: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let (train, test) = match &options.data {
        Some(folder) => (read(&folder.join("train.csv"))?, read(&folder.join("test.csv"))?),
        None => {
            println!("These sequences are made up; --data DIR takes the real ones.");
            made_up(&mut rng(0), 4000, 1000)
        }
    };
    let epochs = (options.steps * BATCH).div_ceil(train.len());
    let parameters = model(0).parameter_count();
    println!("{} sequences to learn from, {} to test; {parameters} parameters\n", train.len(), test.len());
    println!("{:<6} {:>11} {:>14} {:>13} {:>8}", "seed", "final loss", "train accuracy", "test accuracy", "seconds");
    let mut total = 0.0;
    for seed in 0..options.seeds {
        let mut model = model(seed);
        let adam = Adam::default().learning_rate(1e-2);
        let fit =
            fit(&mut model, &train).loss(cross_entropy).optimizer(adam).batch_size(BATCH).epochs(epochs).seed(seed);
        let history = fit.quiet().run().map_err(|e| format!("training with seed {seed}: {e}"))?;
        let (loss, seconds) = (history.loss[epochs - 1], history.seconds);
        let [learned, right] = [&train, &test].map(|data| 100.0 * accuracy(&model, data));
        println!("{seed:<6} {loss:>11.5} {learned:>13.2}% {right:>12.2}% {seconds:>8.1}");
        total += right;
    }
    let published = if options.data.is_some() { "; published: about 91%" } else { "" };
    println!("\nmean test accuracy {:.2}%{published}", total / options.seeds as f64);
    Ok(())
}

fn model(seed: u64) -> impl for<'t> Model<'t, f32> + Send + Sync {
    sequential()
        .seed(seed)
        .add(|rng: &mut Rng| Bidirectional::new(Gru::new(rng, 1, HIDDEN), Gru::new(rng, 1, HIDDEN)).return_sequences())
        .add(flatten())
        .add(dense(LENGTH * 2 * HIDDEN, CLASSES))
}

/// The fraction of the examples whose class has the highest score.
fn accuracy(model: &(impl for<'t> Model<'t, f32> + Sync), data: &Dataset) -> f64 {
    let [said, meant] = [&predict(model, data.x()), data.y()].map(|scores| scores.argmax(1));
    let right = said.as_slice().iter().zip(meant.as_slice()).filter(|(said, meant)| said == meant).count();
    right as f64 / data.len() as f64
}

/// Inputs `[40, N, 1]` and classes `[N, 10]`, one-hot.
fn dataset(sequences: &[Vec<f32>], classes: Vec<usize>) -> Dataset {
    let n = sequences.len();
    let x = Tensor::from_fn([LENGTH, n, 1], |i| sequences[i % n][i / n]);
    Dataset::new(x, Tensor::one_hot(classes, CLASSES)).expect("as many classes as sequences")
}

fn read(file: &Path) -> Result<Dataset, String> {
    let rows = reader().read(file).map_err(|e| e.to_string())?;
    examples(&rows).map_err(|sentence| format!("{}: {sentence}", file.display()))
}

fn reader() -> Csv {
    Csv::new().without_header().delimiter(',').decimal('.')
}

/// A row for each sequence, `[N, 41]`: its class, then its 40 values.
fn examples(rows: &Tensor) -> Result<Dataset, String> {
    let [n, cells] = rows.shape()[..] else { unreachable!("a series has two axes") };
    if cells != 1 + LENGTH {
        return Err(format!("rows have {cells} cells, not a class and {LENGTH} values"));
    }
    let classes = rows.select(1, 0).to_vec();
    if let Some(i) = classes.iter().position(|class| !(0..CLASSES).any(|c| c as f32 == *class)) {
        return Err(format!("row {}: {} is not a class from 0 to {}", i + 1, classes[i], CLASSES - 1));
    }
    let classes: Vec<usize> = classes.into_iter().map(|class| class as usize).collect();
    let x = rows.slice(1, 1..).t().contiguous().reshape([LENGTH, n, 1]);
    Dataset::new(x, Tensor::one_hot(classes, CLASSES)).map_err(|e| e.to_string())
}

/// A pattern of 12 points for each class, somewhere in the sequence, scaled, with noise: for
/// training, and for testing.
fn made_up(rng: &mut Rng, train: usize, test: usize) -> (Dataset, Dataset) {
    const POINTS: usize = 12;
    let mut uniform = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    let patterns: Vec<Vec<f32>> = (0..CLASSES).map(|_| (0..POINTS).map(|_| uniform(-1.5, 1.5)).collect()).collect();
    let mut part = |count: usize| {
        let classes: Vec<usize> = (0..count).map(|i| i % CLASSES).collect();
        let sequence = |&class: &usize| {
            let (start, scale) = (uniform(0.0, (LENGTH - POINTS + 1) as f32) as usize, uniform(0.6, 1.4));
            let mut values: Vec<f32> = (0..LENGTH).map(|_| uniform(-0.5, 0.5)).collect();
            values[start..].iter_mut().zip(&patterns[class]).for_each(|(value, point)| *value += scale * point);
            values
        };
        dataset(&classes.iter().map(sequence).collect::<Vec<_>>(), classes)
    };
    (part(train), part(test))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(class: &str, last: &str) -> String {
        let mut cells = vec![class.to_string()];
        cells.extend((1..LENGTH).map(|t| t.to_string()));
        cells.push(last.to_string());
        cells.join(",") + "\n"
    }

    fn parse(text: &str) -> Result<Dataset, String> {
        examples(&reader().parse(text).map_err(|e| e.to_string())?)
    }

    #[test]
    fn lines_become_sequences() {
        let data = parse(&(line("3", "-1e2") + &line("0", "0.5"))).unwrap();
        assert_eq!((&data.x().shape()[..], &data.y().shape()[..]), (&[LENGTH, 2, 1][..], &[2, CLASSES][..]));
        assert_eq!(data.y().argmax(1).as_slice(), [3, 0]);
        assert_eq!(data.x().select(0, 0).to_vec(), [1.0, 1.0]);
        assert_eq!(data.x().select(0, LENGTH - 1).to_vec(), [-100.0, 0.5]);
    }

    #[test]
    fn what_cannot_be_used_is_said_in_a_sentence() {
        for (text, sentence) in [
            (String::new(), "the file is empty"),
            ("7\n".to_string(), "rows have 1 cells, not a class and 40 values"),
            (line("10", "0"), "row 1: 10 is not a class from 0 to 9"),
            (line("0.5", "0"), "row 1: 0.5 is not a class from 0 to 9"),
            (line("label", "0"), "line 1, column 0: \"label\" is not a number"),
            (line("1", "0") + &line("1", "x"), "line 2, column 40: \"x\" is not a number"),
            (line("1", "NaN"), "line 1, column 40: \"NaN\" is not a finite number"),
            (line("1", "0,0"), "rows have 42 cells, not a class and 40 values"),
        ] {
            assert_eq!(parse(&text).err().as_deref(), Some(sentence));
        }
        let sentence = read(Path::new("no/train.csv")).err().unwrap();
        assert!(sentence.starts_with("cannot read no/train.csv: "), "{sentence}");
    }

    #[test]
    fn the_model_has_the_published_size() {
        // Two GRUs with one bias per gate and one more for n (PyTorch has two for each, 24 numbers more); the head.
        assert_eq!(model(0).parameter_count(), 2 * (3 * HIDDEN * (1 + HIDDEN + 1) + HIDDEN) + 480 * 10 + 10);
    }

    #[test]
    fn made_up_sequences_are_learned() {
        let (train, test) = made_up(&mut rng(0), 1000, 200);
        let mut model = model(0);
        let adam = Adam::default().learning_rate(1e-2);
        fit(&mut model, &train).loss(cross_entropy).optimizer(adam).batch_size(BATCH).epochs(5).quiet().run().unwrap();
        let right = accuracy(&model, &test);
        assert!(right > 0.3, "{right}");
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        for option in ["--steps", "--seeds"] {
            let refused = Options::try_parse_from(["mnist1d", option, "0"]).err().expect("refused").to_string();
            assert!(refused.contains(option), "{refused}");
        }
    }
}
