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

#[path = "../shared/parts.rs"]
mod parts;
mod task;
mod ts;

use clap::{Parser, builder::RangedU64ValueParser};
use rand::{RngExt, seq::SliceRandom};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use task::{Batch, Task};
use unspool::prelude::*;
use unspool::recurrent::Bidirectional;
use unspool::{CrossEntropy, Gru, Mode};

/// Recognize speakers by their vowels, with a bidirectional GRU over sequences of different
/// lengths.
#[derive(Parser)]
#[command(name = "vowels")]
struct Options {
    /// The folder with a data set of the UEA archive, as JapaneseVowels_TRAIN.ts and
    /// JapaneseVowels_TEST.ts; without it, generated utterances
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The number of units in each direction
    #[arg(long, value_name = "H", default_value_t = 64, value_parser = between::<usize>(1, 4096))]
    hidden: usize,
    /// The number of epochs
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = between::<usize>(1, 10_000))]
    epochs: usize,
    /// How many times the model is trained: with seeds 0 to N - 1
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = between::<u64>(1, 100))]
    seeds: u64,
}

/// Utterances per step of training.
const BATCH: usize = 30;
/// The part of what the GRU found that is left out in training.
const DROPOUT: f64 = 0.5;

fn between<T: TryFrom<u64>>(least: u64, most: u64) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(least..=most)
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("vowels: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let started = Instant::now();
    let task = match &options.data {
        Some(folder) => Task::load(folder)?,
        None => {
            println!("These utterances are made up; --data DIR takes the real ones.");
            Task::made_up(&mut rng(0))
        }
    };
    let parameters = Classifier::new(&mut rng(0), &task, options.hidden).parameter_count();
    println!(
        "{} sequences to learn from, {} to test, {} classes; bidirectional GRU({}), {parameters} parameters\n",
        task.train.len(),
        task.test.len(),
        task.speakers.len(),
        options.hidden
    );
    // The seeds are trained side by side.
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let train = |seed| {
            let task = &task;
            move || train(task, options, seed)
        };
        let threads: Vec<_> = (0..options.seeds).map(|seed| scope.spawn(train(seed))).collect();
        threads.into_iter().map(|thread| thread.join().expect("training does not panic")).collect()
    });
    println!("{:<6} {:>11} {:>13} {:>13}", "seed", "final loss", "training part", "test accuracy");
    for (seed, Outcome { loss, train, test }) in outcomes.iter().enumerate() {
        println!("{seed:<6} {loss:>11.5} {:>12.2}% {:>12.2}%", 100.0 * train, 100.0 * test);
    }
    let mean = outcomes.iter().map(|outcome| outcome.test).sum::<f64>() / outcomes.len() as f64;
    println!("\nmean test accuracy {:.2}%, {:.1} seconds in all", 100.0 * mean, started.elapsed().as_secs_f64());
    Ok(())
}

/// What came of a training.
struct Outcome {
    /// The mean loss in the last epoch.
    loss: f64,
    /// Accuracies.
    train: f64,
    test: f64,
}

/// A GRU in both directions, the mean of its outputs over time, and a score for each speaker.
#[derive(Params)]
struct Classifier<P> {
    gru: Bidirectional<Gru<P>>,
    head: Dense<P>,
}

impl Classifier<Tensor> {
    fn new(rng: &mut Rng, task: &Task, hidden: usize) -> Self {
        let mut gru = || Gru::new(rng, task.channels, hidden);
        let gru = Bidirectional::new(gru(), gru());
        Classifier { gru, head: Dense::new(rng, 2 * hidden, task.speakers.len()) }
    }
}

impl<'t> Classifier<Var<'t>> {
    /// `[B, speakers]`.
    fn scores(&self, batch: &Batch, mode: Mode) -> Var<'t> {
        let tape = self.head.bias.tape();
        let outputs = self.gru.forward_lengths(tape.constant(&batch.xs), Some(&batch.lengths), mode.fold_in(0));
        // Outputs after the end of a sequence are zeros, and do not count.
        let lengths = Tensor::from_fn([batch.lengths.len(), 1], |i| batch.lengths[i] as f32);
        let mean = outputs.sequence().sum_axes(&[0]) / tape.constant(&lengths);
        self.head.forward(mode.fold_in(1).dropout(mean, DROPOUT))
    }
}

fn train(task: &Task, options: &Options, seed: u64) -> Outcome {
    let rng = &mut rng(seed);
    let mut model = Classifier::new(rng, task, options.hidden);
    let mut adam = Adam::default().learning_rate(3e-3);
    let mut tape = Tape::new();
    let mut order: Vec<usize> = (0..task.train.len()).collect();
    let mut loss_sum = 0.0;
    for _ in 0..options.epochs {
        order.shuffle(rng);
        loss_sum = 0.0;
        for positions in order.chunks(BATCH) {
            let batch = Batch::new(positions.iter().map(|&i| &task.train[i]));
            let net = tape.bind(&model);
            let scores = net.scores(&batch, Mode::Training { seed: rng.random() });
            let loss = CrossEntropy::default().classes(scores, batch.classes);
            loss_sum += f64::from(loss.item()) * positions.len() as f64;
            let gradients = loss.backward().of(&net);
            tape.reset();
            adam.step(&mut model, &gradients);
        }
    }
    let [train, test] = [&task.train, &task.test].map(|part| accuracy(&model, &Batch::new(part)));
    Outcome { loss: loss_sum / task.train.len() as f64, train, test }
}

/// The part of a batch whose speaker has the highest score.
fn accuracy(model: &Classifier<Tensor>, batch: &Batch) -> f64 {
    let tape = Tape::new();
    let said = tape.bind_frozen(model).scores(batch, Mode::Evaluation).argmax(1);
    let right = said.as_slice().iter().zip(&batch.classes).filter(|(said, class)| said == class).count();
    right as f64 / batch.classes.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_changes_no_score() {
        let task = Task::made_up(&mut rng(0));
        let model = Classifier::new(&mut rng(1), &task, 5);
        let scores = |part: &[task::Example]| {
            let tape = Tape::new();
            tape.bind_frozen(&model).scores(&Batch::new(part), Mode::Evaluation).value().to_vec()
        };
        let together = scores(&task.train[..4]);
        let alone: Vec<f32> = task.train[..4].chunks(1).flat_map(scores).collect();
        assert!(together.iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-6), "{together:?} {alone:?}");
    }

    #[test]
    fn made_up_speakers_are_learned() {
        let options = Options::try_parse_from(["vowels", "--hidden", "16", "--epochs", "10"]).unwrap();
        let outcome = train(&Task::made_up(&mut rng(0)), &options, 0);
        assert!(outcome.test > 0.5, "{}", outcome.test);
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        for option in ["--hidden", "--epochs", "--seeds"] {
            let refused = Options::try_parse_from(["vowels", option, "0"]).err().expect("refused").to_string();
            assert!(refused.contains(option), "{refused}");
        }
    }
}
