//! The copy task: which cells repeat symbols they saw long ago?
//!
//! `cargo run --release --example copy`
//!
//! Ten symbols from an alphabet of eight, then blanks. After a signal, the target is the symbols
//! again, in order; it is blank everywhere else. A model without memory can output the blanks and
//! guess the symbols, for a cross-entropy of `recall ln 8 / (delay + 2 recall)` per step.
//! Hochreiter and Schmidhuber 1997, "Long short-term memory"; in the form of Arjovsky, Shah and
//! Bengio 2016, "Unitary evolution recurrent neural networks".

#![forbid(unsafe_code)]

use clap::{Parser, builder::RangedU64ValueParser};
use rand::RngExt;
use std::process::ExitCode;
use std::time::Instant;
use unspool::layers::Model;
use unspool::losses::cross_entropy;
use unspool::prelude::*;
use unspool::{Gru, Lstm, evaluate, predict};

/// Symbols to remember, numbered from 0; then the blank and the signal.
const SYMBOLS: usize = 8;
const BLANK: usize = SYMBOLS;
const SIGNAL: usize = SYMBOLS + 1;
/// The number of different inputs of a step, and of outputs.
const INPUTS: usize = SYMBOLS + 2;
const OUTPUTS: usize = SYMBOLS + 1;
/// Training stops when this fraction of the symbols is right on sequences generated for this test.
const SOLVED: f64 = 0.99;
/// Training steps between two measurements of that fraction.
const LOOK: usize = 100;
/// The global gradient norm is clipped to this: now and then it is a thousand times larger than
/// usual.
const LONGEST: f64 = 0.1;

/// Train recurrent cells on the copy task and show how well each solves it.
#[derive(Parser)]
#[command(name = "copy")]
struct Options {
    /// The number of time steps from the last symbol to the signal, including the latter
    #[arg(long, value_name = "T", default_value_t = 50, value_parser = between(1, 10_000))]
    delay: usize,
    /// The number of symbols to remember
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = between(1, 1000))]
    recall: usize,
    /// The number of units
    #[arg(long, value_name = "H", default_value_t = 128, value_parser = between(1, 4096))]
    hidden: usize,
    /// The maximum number of training steps; training ends earlier when the task is solved
    #[arg(long, value_name = "N", default_value_t = 8000, value_parser = between(1, 1_000_000))]
    steps: usize,
    /// The batch size; every batch is new
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = between(1, 4096))]
    batch: usize,
    /// Adam's learning rate
    #[arg(long, value_name = "RATE", default_value_t = 5e-3, value_parser = positive, allow_negative_numbers = true)]
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
            eprintln!("copy: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let (hidden, recall, model) = (options.hidden, options.recall, sequential().seed(options.seed));
    let baseline = recall as f64 * (SYMBOLS as f64).ln() / (options.delay + 2 * recall) as f64;
    println!("copy task: {recall} symbols after {} steps, {hidden} units, new sequences\n", options.delay);
    println!(
        "{:<13} {:>10} {:>13} {:>13} {:>6} {:>8}",
        "cell", "parameters", "cross-entropy", "symbols right", "steps", "seconds"
    );
    println!("{:<13} {:>10} {baseline:>13.5} {:>12.1}% {:>6} {:>8}", "no memory", 0, 100.0 / SYMBOLS as f64, "-", "-");
    let length = options.delay + 2 * recall;
    let lstm = |rng: &mut Rng| {
        let mut cell = Lstm::new(rng, INPUTS, hidden);
        let keep = memories(rng, length, hidden);
        cell.x.bias = Tensor::concat(0, [&keep.map(|b| -b), &keep, &Tensor::zeros([2 * hidden])]); // i, f, g, o
        cell
    };
    let gru = |rng: &mut Rng| {
        let mut cell = Gru::new(rng, INPUTS, hidden);
        let keep = memories(rng, length, hidden);
        cell.x.bias = Tensor::concat(0, [&Tensor::zeros([hidden]), &keep, &Tensor::zeros([hidden])]); // r, z, n
        cell
    };
    let head = || dense(hidden, OUTPUTS);
    train("SimpleRnn", model.clone().add(simple_rnn(INPUTS, hidden).return_sequences()).add(head()), options)?;
    train("Lstm", model.clone().add(recurrent(lstm).return_sequences()).add(head()), options)?;
    train("Gru", model.add(recurrent(gru).return_sequences()).add(head()), options)
}

/// Initial biases of the gate that keeps the state, with which units remember for up to `length`
/// steps. Tallec and Ollivier 2018, "Can recurrent neural networks warp time?".
fn memories(rng: &mut Rng, length: usize, hidden: usize) -> Tensor {
    Tensor::from_fn([hidden], |_| (1.0 + rng.random::<f32>() * (length - 2) as f32).ln())
}

/// Trains a model on new sequences in every step, and prints its row of the table.
fn train<M>(name: &str, mut model: M, options: &Options) -> Result<(), String>
where
    M: for<'t> Model<'t, f32> + Clone + Send + Sync,
{
    let started = Instant::now();
    let rng = &mut rng(options.seed);
    let mut new = |count| sequences(rng, options.delay, options.recall, count);
    let [valid, test] = [200, 1000].map(&mut new);
    let mut adam = Adam::default().learning_rate(options.rate).clip_norm(LONGEST);
    let mut steps = 0;
    while steps < options.steps {
        let now = LOOK.min(options.steps - steps);
        let data = new(now * options.batch);
        let fit = fit(&mut model, &data).loss(cross_entropy).optimizer(&mut adam).batch_size(options.batch).quiet();
        fit.run().map_err(|e| format!("training {name}: {e}"))?;
        steps += now;
        if symbols_right(&model, &valid, options.recall) >= SOLVED {
            break;
        }
    }
    let (error, right) = (evaluate(&model, &test, cross_entropy), symbols_right(&model, &test, options.recall));
    let (parameters, seconds) = (model.parameter_count(), started.elapsed().as_secs_f64());
    println!("{name:<13} {parameters:>10} {error:>13.5} {:>12.1}% {steps:>6} {seconds:>8.1}", 100.0 * right);
    Ok(())
}

/// The fraction of the symbols to be recalled, the last steps, that the model outputs correctly.
fn symbols_right<M>(model: &M, data: &Dataset, recall: usize) -> f64
where
    M: for<'t> Model<'t, f32> + Send + Sync,
{
    let length = data.x().shape()[0];
    let [said, meant] = [&predict(model, data.x()), data.y()].map(|y| y.slice(0, length - recall..).argmax(2));
    let right = said.as_slice().iter().zip(meant.as_slice()).filter(|(a, b)| a == b).count();
    right as f64 / said.as_slice().len() as f64
}

/// `count` sequences of `delay + 2 recall` steps and the target of each step, as one-hot rows.
fn sequences(rng: &mut Rng, delay: usize, recall: usize, count: usize) -> Dataset {
    let length = delay + 2 * recall;
    let mut x = vec![BLANK; length * count];
    let mut y = x.clone();
    for i in 0..count {
        for t in 0..recall {
            let symbol = rng.random_range(..SYMBOLS);
            x[t * count + i] = symbol;
            y[(length - recall + t) * count + i] = symbol;
        }
        x[(length - recall - 1) * count + i] = SIGNAL;
    }
    let rows = |symbols, classes| Tensor::one_hot(symbols, classes).reshape([length, count, classes]);
    Dataset::new(rows(x, INPUTS), rows(y, OUTPUTS)).expect("as many targets as inputs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use unspool::gru;

    #[test]
    fn symbols_come_again_after_the_signal() {
        let (delay, recall, count) = (6, 3, 50);
        let data = sequences(&mut rng(1), delay, recall, count);
        let [x, y] = [data.x(), data.y()].map(|rows| rows.argmax(2).as_slice().to_vec());
        let at = |of: &[usize], i: usize| (0..12).map(|t| of[t * count + i]).collect::<Vec<_>>();
        for i in 0..count {
            let (x, y) = (at(&x, i), at(&y, i));
            assert!(x[..3].iter().all(|&symbol| symbol < SYMBOLS));
            assert_eq!(x[3..], [BLANK, BLANK, BLANK, BLANK, BLANK, SIGNAL, BLANK, BLANK, BLANK]);
            assert_eq!((&y[..9], &y[9..]), (&[BLANK; 9][..], &x[..3]));
        }
    }

    #[test]
    fn units_begin_to_remember_for_up_to_the_whole_length() {
        let times: Vec<f32> = memories(&mut rng(1), 50, 1000).map(|b| 1.0 + b.exp()).to_vec(); // 1 / (1 - sigmoid(b))
        assert!(times.iter().all(|time| (1.9..50.1).contains(time)));
        assert!(times.iter().any(|&time| time < 4.0) && times.iter().any(|&time| time > 48.0));
    }

    #[test]
    fn a_short_task_is_learned() {
        let mut model = sequential().add(gru(INPUTS, 32).return_sequences()).add(dense(32, OUTPUTS));
        let data = sequences(&mut rng(2), 1, 1, 640);
        let before = symbols_right(&model, &data, 1);
        let adam = Adam::default().learning_rate(1e-2);
        fit(&mut model, &data).loss(cross_entropy).optimizer(adam).epochs(6).quiet().run().unwrap();
        let after = symbols_right(&model, &data, 1);
        assert!(before < 0.4 && after > 0.9, "{before}, {after}");
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        for (option, value) in
            [("--delay", "0"), ("--recall", "0"), ("--batch", "0"), ("--rate", "nan"), ("--rate", "-1")]
        {
            let refused = Options::try_parse_from(["copy", option, value]).err().expect("refused").to_string();
            assert!(refused.contains(option), "{refused}");
        }
        assert!(Options::try_parse_from(["copy"]).is_ok());
    }
}
