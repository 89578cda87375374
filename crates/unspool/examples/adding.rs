//! The adding problem: which cells carry two numbers over hundreds of steps?
//!
//! `cargo run --release --example adding`
//!
//! A sequence has two inputs per step: a random number from 0 to 1, and a mark. Two steps are
//! marked, one in the first half and one in the second; the target is the sum of their numbers.
//! Always answering 1 has a mean squared error of 1/6 = 0.167. Hochreiter and Schmidhuber 1997,
//! "Long short-term memory", section 5.4, in the form of Arjovsky, Shah and Bengio 2016.

#![forbid(unsafe_code)]

use clap::{Parser, builder::RangedU64ValueParser};
use rand::RngExt;
use std::process::ExitCode;
use std::time::Instant;
use unspool::layers::Model;
use unspool::prelude::*;
use unspool::{evaluate, gru, lstm};

/// What always answering 1 gets: the variance of a sum of two numbers from 0 to 1.
const BASELINE: f64 = 1.0 / 6.0;
/// Training stops at this error on sequences generated for this test.
const SOLVED: f64 = 1e-3;
/// Training steps between two measurements of that error.
const LOOK: usize = 100;

/// Train recurrent cells on the adding problem and show how well each solves it.
#[derive(Parser)]
#[command(name = "adding")]
struct Options {
    /// The number of time steps
    #[arg(long, value_name = "T", default_value_t = 200, value_parser = between(2, 10_000))]
    length: usize,
    /// The number of units
    #[arg(long, value_name = "H", default_value_t = 64, value_parser = between(1, 4096))]
    hidden: usize,
    /// The maximum number of training steps; training ends earlier when the problem is solved
    #[arg(long, value_name = "N", default_value_t = 4000, value_parser = between(1, 1_000_000))]
    steps: usize,
    /// The batch size; every batch is new
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = between(1, 4096))]
    batch: usize,
    /// Adam's learning rate
    #[arg(long, value_name = "RATE", default_value_t = 3e-3, value_parser = positive, allow_negative_numbers = true)]
    rate: f64,
    /// The seed of the initial weights and the sequences
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

fn between(least: u64, most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..=most)
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate < f64::INFINITY => Ok(rate),
        _ => Err("it is not a number above 0".to_string()),
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("adding: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let (hidden, model) = (options.hidden, sequential().seed(options.seed));
    println!("adding problem over {} steps, {hidden} units, test MSE (always 1: {BASELINE:.4})\n", options.length);
    println!("{:<10} {:>10} {:>9} {:>7} {:>8}", "cell", "parameters", "test MSE", "steps", "seconds");
    train("SimpleRnn", model.clone().add(simple_rnn(2, hidden)).add(dense(hidden, 1)), options)?;
    train("Lstm", model.clone().add(lstm(2, hidden)).add(dense(hidden, 1)), options)?;
    train("Gru", model.add(gru(2, hidden)).add(dense(hidden, 1)), options)
}

/// Trains a model on new sequences in every step, and prints its row of the table.
fn train<M>(name: &str, mut model: M, options: &Options) -> Result<(), String>
where
    M: for<'t> Model<'t, f32> + Send + Sync,
{
    let started = Instant::now();
    let rng = &mut rng(options.seed);
    let [valid, test] = [500, 2000].map(|count| sequences(rng, options.length, count));
    let mut adam = Adam::default().learning_rate(options.rate);
    let mut steps = 0;
    while steps < options.steps {
        let now = LOOK.min(options.steps - steps);
        let new = sequences(rng, options.length, now * options.batch);
        let fit = fit(&mut model, &new).loss(mse).optimizer(&mut adam).batch_size(options.batch).quiet();
        fit.run().map_err(|e| format!("training {name}: {e}"))?;
        steps += now;
        if evaluate(&model, &valid, mse) < SOLVED {
            break;
        }
    }
    let (parameters, error) = (model.parameter_count(), evaluate(&model, &test, mse));
    println!("{name:<10} {parameters:>10} {error:>9.5} {steps:>7} {:>8.1}", started.elapsed().as_secs_f64());
    Ok(())
}

/// `count` sequences `[length, count, 2]`, and the sums `[count, 1]` of their marked numbers.
fn sequences(rng: &mut Rng, length: usize, count: usize) -> Dataset {
    let marks: Vec<[usize; 2]> =
        (0..count).map(|_| [rng.random_range(..length / 2), rng.random_range(length / 2..length)]).collect();
    let mut sums = vec![0.0; count];
    let mut x = Vec::with_capacity(length * count * 2);
    for t in 0..length {
        for (i, marked) in marks.iter().enumerate() {
            let (number, mark) = (rng.random::<f32>(), if marked.contains(&t) { 1.0 } else { 0.0 });
            sums[i] += number * mark;
            x.extend([number, mark]);
        }
    }
    let x = Tensor::from_vec(x, [length, count, 2]);
    Dataset::new(x, Tensor::from_vec(sums, [count, 1])).expect("as many sums as sequences")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_are_marked_and_their_numbers_summed() {
        let (length, count) = (11, 200);
        let data = sequences(&mut rng(1), length, count);
        for i in 0..count {
            let at = |t: usize, feature: usize| data.x().at([t, i, feature]);
            let marked: Vec<usize> = (0..length).filter(|&t| at(t, 1) == 1.0).collect();
            assert!((0..length).all(|t| [0.0, 1.0].contains(&at(t, 1)) && (0.0..1.0).contains(&at(t, 0))));
            assert!(marked.len() == 2 && marked[0] < length / 2 && marked[1] >= length / 2, "{marked:?}");
            assert_eq!(data.y().at([i, 0]), at(marked[0], 0) + at(marked[1], 0));
        }
    }

    #[test]
    fn always_one_has_the_error_of_the_baseline() {
        let sums = sequences(&mut rng(2), 2, 20_000).y().to_vec();
        let error = sums.iter().map(|&sum| f64::from(sum - 1.0).powi(2)).sum::<f64>() / sums.len() as f64;
        assert!((error - BASELINE).abs() < 0.01, "{error}");
    }

    #[test]
    fn a_short_problem_is_learned() {
        let mut model = sequential().add(gru(2, 8)).add(dense(8, 1));
        let data = sequences(&mut rng(3), 4, 640);
        let adam = Adam::default().learning_rate(1e-2);
        let history = fit(&mut model, &data).loss(mse).optimizer(adam).epochs(10).quiet().run().unwrap();
        assert!(history.loss[9] < 0.3 * BASELINE, "{:?}", history.loss);
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        for (option, value) in
            [("--length", "1"), ("--hidden", "0"), ("--steps", "0"), ("--rate", "0"), ("--rate", "-1")]
        {
            let refused = Options::try_parse_from(["adding", option, value]).err().expect("refused").to_string();
            assert!(refused.contains(option), "{refused}");
        }
        assert!(Options::try_parse_from(["adding"]).is_ok());
    }
}
