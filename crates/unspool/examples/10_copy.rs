//! The copy task: which cells repeat symbols that they saw long ago?
//!
//! ```text
//! cargo run --release --example copy
//! ```
//!
//! Ten symbols from an alphabet of eight, then blanks. After a signal, the target is the symbols
//! again, in order; it is blank everywhere else. A gate that keeps the fraction `f` of a state at
//! each step multiplies the state, and its gradient, by `f^t` over t steps: it lasts for some
//! `1 / (1 - f)`. So the gates of LSTM and GRU start with biases for times up to the whole length;
//! a simple network has no such gate (Tallec and Ollivier 2018, "Can recurrent neural networks warp
//! time?"). The task is Hochreiter and Schmidhuber's (1997), in the form of Arjovsky, Shah and
//! Bengio 2016, "Unitary evolution recurrent neural networks".

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;

use std::error::Error;
use std::ops::ControlFlow;
use unspool::layers::Model;
use unspool::losses::sparse_cross_entropy;
use unspool::prelude::*;
use unspool::train::metrics::ConfusionMatrix;
use unspool::train::{Callback, FitError, Progress, from_fn};

const USAGE: &str = "
Trains recurrent cells on the copy task and shows how well each solves it.
  --delay 50    the number of time steps from the last symbol to the signal, at least 1
  --steps 8000  the maximum number of training steps; a cell that has solved the task stops earlier";

const HIDDEN: usize = 128;
const BATCH: usize = 32;
const RECALL: usize = 10;
/// Symbols are numbered from 0; then come the blank and the signal, which is never an output.
const SYMBOLS: usize = 8;
const BLANK: usize = SYMBOLS;
const SIGNAL: usize = SYMBOLS + 1;
const INPUTS: usize = SYMBOLS + 2;
const OUTPUTS: usize = SYMBOLS + 1;
/// Training steps between two counts of the errors.
const LOOK: usize = 100;

type Sequences = Dataset<Tensor, Indices>;

fn main() -> Result<(), Box<dyn Error>> {
    let options = cli::Cli::read(USAGE);
    let (delay, steps) = (options.get("delay"), options.get("steps"));
    let (length, zeros) = (delay + 2 * RECALL, Tensor::zeros([HIDDEN]));
    println!("copy task: {RECALL} symbols of {SYMBOLS} after {delay} steps, {HIDDEN} units; guessed: 12.5% right\n");
    println!("cell        steps  cross-entropy  symbols right  seconds");
    let lstm = |rng: &mut Rng| {
        let mut cell = Lstm::new(rng, INPUTS, HIDDEN);
        let keep = memories(rng, length);
        cell.x.bias = Tensor::concat(0, [&-&keep, &keep, &zeros, &zeros]); // i, f, g, o
        cell
    };
    let gru = |rng: &mut Rng| {
        let mut cell = Gru::new(rng, INPUTS, HIDDEN);
        cell.x.bias = Tensor::concat(0, [&zeros, &memories(rng, length), &zeros]); // r, z, n
        cell
    };
    let head = || dense(HIDDEN, OUTPUTS);
    train("SimpleRnn", sequential().add(simple_rnn(INPUTS, HIDDEN).return_sequences()).add(head()), delay, steps)?;
    train("Lstm", sequential().add(recurrent(lstm).return_sequences()).add(head()), delay, steps)?;
    train("Gru", sequential().add(recurrent(gru).return_sequences()).add(head()), delay, steps)?;
    Ok(())
}

/// Initial biases of the gate that keeps the state, with which units remember for 2 to `length`
/// steps: `sigmoid(b) = 1 - 1 / steps`.
fn memories(rng: &mut Rng, length: usize) -> Tensor {
    Tensor::uniform(rng, [HIDDEN], 2.0, length as f64).map(|steps: f32| (steps - 1.0).ln())
}

/// Trains a model on new sequences in every step, and prints its row of the table.
fn train<M: Model<f32> + Send + Sync>(name: &str, mut model: M, delay: usize, steps: usize) -> Result<M, FitError> {
    let rng = &mut rng(0);
    let [valid, test] = [200, 1000].map(|count| sequences(rng, delay, count));
    let mut shards = Shards::new();
    let mut task = from_fn(
        |seed| {
            let rng = &mut unspool::rng(seed);
            (0..LOOK).map(|_| sequences(rng, delay, BATCH)).collect()
        },
        |model: &M, batch, mode| shards.batch_gradients(model, batch, sparse_cross_entropy, mode),
    )
    .validate(|model| 1.0 - symbols_right(model, &valid));
    // Now and then the global gradient norm is a thousand times larger than usual.
    let adam = Adam::default().learning_rate(5e-3).clip_norm(0.1);
    let fit = fit(&mut model, &mut task).optimizer(adam).epochs(steps.div_ceil(LOOK)).callback(Solved);
    let history = fit.quiet().run()?;

    let (steps, error) = (history.loss.len() * LOOK, evaluate(&model, &test, sparse_cross_entropy));
    let right = 100.0 * symbols_right(&model, &test);
    println!("{name:<10} {steps:>6}  {error:>13.5}  {right:>12.1}%  {:>7.1}", history.seconds);
    Ok(model)
}

/// Stops training when 99% of the symbols are right.
struct Solved;

impl<M> Callback<f32, M> for Solved {
    fn on_epoch(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        let solved = progress.history.val_loss.last().is_some_and(|&wrong| wrong <= 0.01);
        if solved { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// The fraction of the symbols to be repeated, in the last steps, that the model outputs.
fn symbols_right(model: &(impl Model<f32> + Sync), data: &Sequences) -> f64 {
    let before = data.x().shape()[0] - RECALL;
    let symbols = &data.y().as_slice()[before * data.len()..];
    let scores = predict(model, data.x()).slice(0, before..);
    ConfusionMatrix::new(&scores.reshape([symbols.len(), OUTPUTS]), symbols).accuracy()
}

/// `count` sequences of `delay + 2 RECALL` steps, one-hot, and the class of each step.
fn sequences(rng: &mut Rng, delay: usize, count: usize) -> Sequences {
    let symbols = Tensor::<f64>::uniform(rng, [RECALL * count], 0.0, SYMBOLS as f64).to_vec();
    let symbols: Vec<usize> = symbols.into_iter().map(|symbol| symbol as usize).collect();
    let blanks = |steps| vec![BLANK; steps * count];
    let x = [&symbols[..], &blanks(delay - 1), &vec![SIGNAL; count], &blanks(RECALL)].concat();
    let y = [&blanks(delay + RECALL)[..], &symbols].concat();
    let length = delay + 2 * RECALL;
    let x = Tensor::one_hot(x, INPUTS).reshape([length, count, INPUTS]);
    Dataset::classes(x, Indices::from_vec(y, [length, count])).expect("a class for each step")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_come_again_after_the_signal() {
        let (delay, count) = (6, 50);
        let data = sequences(&mut rng(1), delay, count);
        let x = data.x().argmax(2);
        for i in 0..count {
            let [x, y]: [Vec<usize>; 2] =
                [&x, data.y()].map(|steps| steps.as_slice().iter().skip(i).step_by(count).copied().collect());
            let (symbols, rest) = x.split_at(RECALL);
            assert!(symbols.iter().all(|&symbol| symbol < SYMBOLS));
            assert_eq!(rest, [&[BLANK; 5][..], &[SIGNAL], &[BLANK; RECALL]].concat());
            assert_eq!(y, [&[BLANK; RECALL + 6][..], symbols].concat());
        }
    }

    #[test]
    fn a_short_task_is_learned_beyond_guessing() {
        let model = sequential().add(gru(INPUTS, 32).return_sequences()).add(dense(32, OUTPUTS));
        let model = train("Gru", model, 1, 200).unwrap();
        let error = evaluate(&model, &sequences(&mut rng(1), 1, 100), sparse_cross_entropy);
        let guessed = RECALL as f64 / (1 + 2 * RECALL) as f64 * (SYMBOLS as f64).ln(); // without memory
        assert!(error < 0.98 * guessed, "{error}, {guessed}");
    }
}
