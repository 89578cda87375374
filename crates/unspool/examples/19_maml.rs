//! Model-agnostic meta-learning: initial weights from which one step of gradient descent learns a new task.
//!
//! ```text
//! cargo run --release --example maml
//! ```
//!
//! A task is a sine wave of some amplitude and phase, of which ten points are seen. The outer loss is that of other
//! points of the wave *after* a step of gradient descent on the ten, and its gradient goes through that step: it
//! holds second derivatives (Finn, Abbeel and Levine 2017, "Model-agnostic meta-learning for fast adaptation of deep
//! networks", section 5.1). For comparison, the same network is trained on all tasks at once, without the step.
//!
//! The inner gradient is a model of variables like any other, on a tape of `Nested` numbers.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;

use std::f32::consts::PI;
use unspool::autograd::Nested;
use unspool::prelude::*;

const USAGE: &str = "
Learns to learn sine waves of ten points in one step of gradient descent.
  --steps 1500  the number of training steps
  --tasks 10    the number of waves in each";

const POINTS: usize = 10;
const HIDDEN: usize = 40;
/// The learning rate of the inner step.
const INNER: f64 = 0.01;

/// A number on a tape whose gradients can be differentiated.
type N = Nested<f32>;

#[derive(Params)]
struct Net<P> {
    layers: [Dense<P>; 3],
}

impl<'t> Net<Var<'t, N>> {
    fn loss(&self, [x, y]: [Var<'t, N>; 2]) -> Var<'t, N> {
        let [a, b, c] = &self.layers;
        mse(c.forward(b.forward(a.forward(x).relu()).relu()), y)
    }

    /// The weights after a step of gradient descent.
    fn adapted(&self, points: [Var<'t, N>; 2]) -> Self {
        let gradient = self.loss(points).gradient_of(self);
        self.zip_leaves(&gradient, |&weight, &gradient| weight - INNER * gradient)
    }
}

fn main() {
    let options = cli::Cli::read(USAGE);
    let (steps, tasks): (usize, usize) = (options.get("steps"), options.get("tasks"));
    println!("mean squared error of 100 new waves    before    after 1 step    after 5");
    for (name, adapts) in [("trained on all waves", false), ("MAML", true)] {
        let [before, one, five] = errors(&train(steps, tasks, adapts));
        println!("{name:34} {before:>10.3} {one:>15.3} {five:>10.3}");
    }
}

fn train(steps: usize, tasks: usize, adapts: bool) -> Net<Tensor> {
    let rng = &mut rng(0);
    let mut net = Net { layers: [(1, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 1)].map(|(i, o)| Dense::new(rng, i, o)) };
    let mut adam = Adam::default();
    let mut tape = Tape::new();
    for _ in 0..steps {
        let bound = tape.bind(&net.cast::<N>());
        let losses = (0..tasks).map(|_| {
            let [seen, asked] = wave(rng).map(|points| points.map(|x| tape.constant(&x.cast())));
            if adapts { bound.adapted(seen).loss(asked) } else { bound.loss(asked) }
        });
        let loss = losses.reduce(|sum, loss| sum + loss).expect("a task") / tasks as f64;
        let gradients = loss.backward().of(&bound).cast::<f32>();
        tape.reset();
        adam.step(&mut net, &gradients);
    }
    net
}

/// The mean squared error after no, one and five steps on the points seen.
fn errors(net: &Net<Tensor>) -> [f32; 3] {
    let (rng, waves) = (&mut rng(1), 100);
    let mut sums = [0.0; 3];
    for _ in 0..waves {
        let tape = Tape::new();
        let [seen, asked] = wave(rng).map(|points| points.map(|x| tape.constant(&x.cast())));
        let mut net = tape.bind(&net.cast::<N>());
        for step in 0..=5 {
            if let Some(i) = [0, 1, 5].iter().position(|&at| at == step) {
                sums[i] += net.loss(asked).item().0 / waves as f32;
            }
            net = net.adapted(seen);
        }
    }
    sums
}

/// Points of a random sine wave, twice: each time `[x, y]`, both `[points, 1]`.
fn wave(rng: &mut Rng) -> [[Tensor; 2]; 2] {
    let uniform = |rng: &mut Rng, low, high| Tensor::<f32>::uniform(rng, [], low, high).item();
    let (amplitude, phase) = (uniform(rng, 0.1, 5.0), uniform(rng, 0.0, f64::from(PI)));
    [(); 2].map(|_| {
        let x = Tensor::uniform(rng, [POINTS, 1], -5.0, 5.0);
        let y = x.map(|x: f32| amplitude * (x - phase).sin());
        [x, y]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_from_what_was_learned_helps_more_than_one_from_what_fits_all() {
        let gain = |adapts| {
            let [before, after, _] = errors(&train(60, 4, adapts));
            before - after
        };
        assert!(gain(true) > gain(false), "{} {}", gain(true), gain(false));
    }
}
