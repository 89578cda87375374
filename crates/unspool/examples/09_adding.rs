//! The adding problem: which cells carry two numbers over hundreds of steps?
//!
//! ```text
//! cargo run --release --example adding
//! ```
//!
//! A sequence has two inputs per step: a random number from 0 to 1, and a mark. Two steps are
//! marked, one in the first half and one in the second; the target is the sum of their numbers.
//! Always answering 1 has a mean squared error of 1/6 = 0.167.
//!
//! Each cell can only learn what its gradients reach. The table shows the gradient of the output
//! with respect to the earlier marked number, before and after training: 1 once the sum is learned,
//! 0 where it vanishes on its way through time. Hochreiter and Schmidhuber 1997, "Long short-term
//! memory", section 5.4, in the form of Arjovsky, Shah and Bengio 2016.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;

use std::error::Error;
use std::ops::ControlFlow;
use unspool::layers::Model;
use unspool::prelude::*;
use unspool::train::{Callback, FitError, Progress, from_fn};

const USAGE: &str = "
Trains recurrent cells on the adding problem and shows how well each solves it.
  --length 200  the number of time steps
  --steps 4000  the maximum number of training steps; a cell that has solved the problem stops earlier";

const HIDDEN: usize = 64;
const BATCH: usize = 32;
/// Training steps between two measurements of the error.
const LOOK: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let options = cli::Cli::read(USAGE);
    let (length, steps) = (options.get("length"), options.get("steps"));
    println!("adding problem over {length} steps, {HIDDEN} units; always 1: test MSE {:.4}\n", 1.0 / 6.0);
    println!("cell        steps  test MSE  gradient before    after  seconds");
    train("SimpleRnn", sequential().add(simple_rnn(2, HIDDEN)).add(dense(HIDDEN, 1)), length, steps)?;
    train("Lstm", sequential().add(lstm(2, HIDDEN)).add(dense(HIDDEN, 1)), length, steps)?;
    train("Gru", sequential().add(gru(2, HIDDEN)).add(dense(HIDDEN, 1)), length, steps)?;
    Ok(())
}

/// Trains a model on new sequences in every step, and prints its row of the table.
fn train<M: Model<f32> + Send + Sync>(name: &str, mut model: M, length: usize, steps: usize) -> Result<M, FitError> {
    let rng = &mut rng(0);
    let [valid, test] = [500, 2000].map(|count| sequences(rng, length, count));
    let before = gradient(&model, &test.slice(0, 100));
    let mut shards = Shards::new();
    let mut task = from_fn(
        |seed| {
            let rng = &mut unspool::rng(seed);
            (0..LOOK).map(|_| sequences(rng, length, BATCH)).collect()
        },
        |model: &M, batch, mode| shards.batch_gradients(model, batch, mse, mode),
    )
    .validate(|model| evaluate(model, &valid, mse));
    let adam = Adam::default().learning_rate(3e-3);
    let fit = fit(&mut model, &mut task).optimizer(adam).epochs(steps.div_ceil(LOOK)).callback(Solved);
    let history = fit.quiet().run()?;

    let (steps, error) = (history.loss.len() * LOOK, evaluate(&model, &test, mse));
    let after = gradient(&model, &test.slice(0, 100));
    println!("{name:<10} {steps:>6}  {error:>8.5}  {before:>15.0e}  {after:>7.3}  {:>7.1}", history.seconds);
    Ok(model)
}

/// Stops training when the mean squared error is small.
struct Solved;

impl<M> Callback<f32, M> for Solved {
    fn on_epoch(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        let solved = progress.history.val_loss.last().is_some_and(|&error| error < 1e-3);
        if solved { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// The mean size of the gradient of the output with respect to the earlier marked number.
fn gradient<M: Model<f32>>(model: &M, data: &Dataset) -> f64 {
    let tape = Tape::new();
    let xs = tape.variable(data.x());
    let outputs = M::output(&tape.bind_frozen(model), xs, Context::default());
    let of_xs = outputs.sum().backward().wrt(xs); // [T, N, 2]: an output depends on its own sequence alone
    let half = data.x().shape()[0] / 2;
    let marks = data.x().slice(0, ..half).select(2, 1);
    let of_numbers = of_xs.slice(0, ..half).select(2, 0);
    f64::from(of_numbers.zip(&marks, |gradient, mark| gradient.abs() * mark).sum().item()) / data.len() as f64
}

/// `count` sequences `[length, count, 2]`, and the sums `[count, 1]` of their marked numbers.
fn sequences(rng: &mut Rng, length: usize, count: usize) -> Dataset {
    let half = length / 2;
    let numbers: Tensor = Tensor::uniform(rng, [length, count, 1], 0.0, 1.0);
    let [first, second] = [0..half, half..length]
        .map(|steps| Tensor::<f64>::uniform(rng, [count], steps.start as f64, steps.end as f64).to_vec());
    let marks = Tensor::from_fn([length, count, 1], |i| {
        let (step, sequence) = (i / count, i % count);
        f32::from(step == first[sequence] as usize || step == second[sequence] as usize)
    });
    let sums = numbers.zip(&marks, |number, mark| number * mark).sum_axis(0);
    Dataset::new(Tensor::concat(2, [&numbers, &marks]), sums).expect("a sum for each sequence")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_are_marked_and_summed() {
        let data = sequences(&mut rng(1), 11, 200);
        for i in 0..200 {
            let marked: Vec<usize> = (0..11).filter(|&t| data.x().at([t, i, 1]) == 1.0).collect();
            assert!(marked.len() == 2 && marked[0] < 5 && marked[1] >= 5, "{marked:?}");
            assert_eq!(data.y().at([i, 0]), data.x().at([marked[0], i, 0]) + data.x().at([marked[1], i, 0]));
        }
    }

    #[test]
    fn a_short_problem_is_solved_through_its_gradient() {
        let data = sequences(&mut rng(1), 4, 100);
        let model = sequential().add(gru(2, 16)).add(dense(16, 1));
        let before = gradient(&model, &data);
        let model = train("Gru", model, 4, 800).unwrap();
        let (error, after) = (evaluate(&model, &data, mse), gradient(&model, &data));
        assert!(error < 0.01 && before < 0.5 && (after - 1.0).abs() < 0.2, "{error}, {before}, {after}");
    }
}
