//! A gradient penalty through an LSTM: a loss that holds the gradient of the network with respect to its input.
//!
//! ```text
//! cargo run --release --example gradient_penalty
//! ```
//!
//! A critic D tells two kinds of sequences apart, sine waves and random walks: it learns to score the first higher,
//! by as much as it can. How much that is means something only if D is not arbitrarily steep. With its slope held
//! near 1 by a penalty, `(|dD/dx| - 1)²` at random points between the two kinds, the difference of the mean scores
//! estimates the distance between the two distributions (Gulrajani et al. 2017, "Improved training of Wasserstein
//! GANs"); without, it grows with every step.
//!
//! The gradient is a variable like any other, on a tape of `Nested` numbers.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;

use unspool::autograd::Nested;
use unspool::prelude::*;

const USAGE: &str = "
Trains an LSTM to tell sine waves from random walks, without and with a penalty on its slope.
  --steps 300     the number of training steps
  --penalty 10.0  the factor of the penalty";

const LENGTH: usize = 20;
const BATCH: usize = 32;
const HIDDEN: usize = 16;

/// A number on a tape whose gradients can be differentiated.
type N = Nested<f32>;

#[derive(Params)]
struct Critic<P> {
    layer: Recurrent<Lstm<P>>,
    score: Dense<P>,
}

impl<'t> Critic<Var<'t, N>> {
    /// The scores `[B, 1]` of sequences `[T, B, 1]`.
    fn of(&self, x: Var<'t, N>) -> Var<'t, N> {
        self.score.forward(self.layer.forward(x).last())
    }

    /// The slope `|dD/dx|` at each sequence, `[B]`. A score depends on its own sequence alone, so the gradient
    /// of their sum holds that of each.
    fn slopes(&self, x: Var<'t, N>) -> Var<'t, N> {
        let [gradient] = self.of(x).sum().gradient_wrt([x]);
        gradient.norm_axes(&[0, 2])
    }
}

fn main() {
    let options = cli::Cli::read(USAGE);
    let (steps, penalty): (usize, f64) = (options.get("steps"), options.get("penalty"));
    println!("after {steps} steps    difference of scores    mean |dD/dx|");
    for factor in [0.0, penalty] {
        let (difference, slope) = train(steps, factor);
        println!("penalty x {factor:<9} {difference:>20.3} {slope:>15.3}");
    }
}

/// The difference of the mean scores, and the mean slope, after training.
fn train(steps: usize, factor: f64) -> (f32, f32) {
    let rng = &mut rng(0);
    let mut critic = Critic { layer: Recurrent::new(Lstm::new(rng, 1, HIDDEN)), score: Dense::new(rng, HIDDEN, 1) };
    let mut adam = Adam::default().learning_rate(0.003);
    let mut tape = Tape::new();
    let mut seen = (0.0, 0.0);
    for _ in 0..steps {
        let (waves, walks) = (waves(rng), walks(rng));
        let share = Tensor::<f32>::uniform(rng, [1, BATCH, 1], 0.0, 1.0);
        let between = &walks + (&waves - &walks) * share;
        let d = tape.bind(&critic.cast::<N>());
        let [waves, walks] = [waves, walks].map(|x| tape.constant(&x.cast()));
        let difference = d.of(waves).mean() - d.of(walks).mean();
        let slopes = d.slopes(tape.variable(&between.cast()));
        let loss = -difference + factor * (slopes - 1.0).square().mean();
        seen = (difference.item().0, slopes.mean().item().0);
        let gradients = loss.backward().of(&d).cast::<f32>();
        tape.reset();
        adam.step(&mut critic, &gradients);
    }
    seen
}

/// Sine waves of some phase, `[T, B, 1]`.
fn waves(rng: &mut Rng) -> Tensor {
    let phases = Tensor::<f32>::uniform(rng, [BATCH], 0.0, std::f64::consts::TAU).to_vec();
    Tensor::from_fn([LENGTH, BATCH, 1], |i| ((i / BATCH) as f32 * 0.5 + phases[i % BATCH]).sin())
}

/// Random walks, `[T, B, 1]`.
fn walks(rng: &mut Rng) -> Tensor {
    let steps = Tensor::<f32>::normal(rng, [LENGTH * BATCH], 0.0, 0.3).to_vec();
    let mut walks = steps;
    for i in BATCH..walks.len() {
        walks[i] += walks[i - BATCH];
    }
    Tensor::from_vec(walks, [LENGTH, BATCH, 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_penalty_holds_the_slope_back() {
        let [without, with] = [0.0, 10.0].map(|penalty| train(40, penalty).1);
        assert!(with < 0.8 * without, "{with} {without}");
    }
}
