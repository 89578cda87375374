//! Learning while the signal runs: one step at a time, without unrolling.
//!
//! ```text
//! cargo run --release --example online
//! ```
//!
//! Every 16 steps a number comes in. Twelve steps later the network is asked for it, times a gain that
//! drifts and that nothing reports: it has to go on learning, and its gradient has to reach back
//! further than the 10 steps that truncated backpropagation through time sees here.
//!
//! The first table is the error in the last quarter of the signal, for three networks and signals. The
//! second one compares gradients of one sequence with that of backpropagation through all of it, g: the
//! bias |mean - g| / |g|, the cosine of the angle between the two, and the standard deviation / |g|, of
//! a gradient and of the mean of `--draws`, below which a bias is chance.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;

use std::time::Instant;
use unspool::online::{OnlineLearner, Rtrl, SnAp1, Uoro};
use unspool::prelude::*;

const USAGE: &str = "
Learns a signal that drifts, step by step, with exact and approximate gradients through time.
  --steps 32000  the length of the signal
  --draws 300    how many gradients of UORO the second table takes the mean of";

const HIDDEN: usize = 4;
const PERIOD: usize = 16;
const DELAY: usize = 12;
const RATE: f64 = 0.003;

#[derive(Params, Clone)]
struct Net<P> {
    layer: Recurrent<Gru<P>>,
    head: Dense<P>,
}

impl<'t, T: Scalar> Net<Var<'t, T>> {
    /// The error of the steps `xs` that have a target, and the state after them.
    fn run(&self, [xs, ys, asked]: [Var<'t, T>; 3], h: Var<'t, T>) -> (Var<'t, T>, Var<'t, T>) {
        let output = self.layer.run(xs, Some(h), Context::default());
        let errors = (self.head.forward(output.sequence()) - ys).square() * asked;
        (errors.sum(), output.state())
    }
}

fn net(seed: u64) -> Net<Tensor> {
    let rng = &mut rng(seed);
    Net { layer: Recurrent::new(Gru::new(rng, 2, HIDDEN)), head: Dense::new(rng, HIDDEN, 1) }
}

fn start() -> Tensor {
    Tensor::zeros([1, HIDDEN])
}

/// Inputs `[T, 1, 2]`, the number and the question; targets `[T, 1, 1]`, and whether there is one.
type Signal = [Tensor; 3];

fn signal(steps: usize, seed: u64) -> Signal {
    let numbers = Tensor::<f32>::uniform(&mut rng(seed), [steps.div_ceil(PERIOD)], -1.0, 1.0).to_vec();
    let is_asked = |t: usize| f32::from(t % PERIOD == DELAY);
    let gain = |t: usize| 1.0 + 0.5 * (t as f32 / 1000.0).sin();
    let xs = Tensor::from_fn([steps, 1, 2], |i| match (i / 2 % PERIOD, i % 2) {
        (0, 0) => numbers[i / 2 / PERIOD],
        (_, 0) => 0.0,
        _ => is_asked(i / 2),
    });
    let ys = Tensor::from_fn([steps, 1, 1], |t| gain(t) * numbers[t / PERIOD]);
    [xs, ys, Tensor::from_fn([steps, 1, 1], is_asked)]
}

/// What happens with the network, an error and its gradient.
type Use<'a> = &'a mut dyn FnMut(&mut Net<Tensor>, f64, Net<Tensor>);
/// Runs a network over a signal, with a seed.
type Method = fn(&mut Net<Tensor>, &Signal, u64, Use<'_>);

const METHODS: [(&str, Method); 5] = [
    ("RTRL", |net, signal, _, used| online(Rtrl::new(start()), net, signal, used)),
    ("SnAp-1", |net, signal, _, used| online(SnAp1::new(start()), net, signal, used)),
    ("UORO", |net, signal, seed, used| online(Uoro::new(start(), seed), net, signal, used)),
    ("truncated BPTT, 10", |net, signal, _, used| bptt(10, net, signal, used)),
    ("truncated BPTT, 16", |net, signal, _, used| bptt(16, net, signal, used)),
];

fn main() {
    let options = cli::Cli::read(USAGE);
    let (steps, draws): (usize, u64) = (options.get("steps"), options.get("draws"));
    println!("learned with          error of three signals  seconds");
    for (name, method) in METHODS {
        let began = Instant::now();
        let [a, b, c] = [0, 1, 2].map(|seed| learn(method, steps, seed).0);
        println!("{name:<20} {a:>7.4} {b:>7.4} {c:>7.4}  {:>7.1}", began.elapsed().as_secs_f64());
    }
    let (net, signal) = (learn(METHODS[0].1, steps, 0).1, signal(8 * PERIOD, 3));
    let exact = exact(&net, &signal);
    println!("\ngradient               bias  cosine  deviation  of the mean");
    for (name, method) in METHODS {
        let drawn: Vec<_> = (0..draws).map(|seed| gradient(method, &net, &signal, seed)).collect();
        let [bias, cosine, deviation] = compare(&drawn, &exact);
        println!(
            "{name:<20} {bias:>6.3}  {cosine:>6.3}  {deviation:>9.3}  {:>11.3}",
            deviation / (draws as f64).sqrt()
        );
    }
}

/// The mean error of the last quarter of a signal learned as it comes, and the network.
fn learn(method: Method, steps: usize, seed: u64) -> (f64, Net<Tensor>) {
    let (mut net, mut adam, mut errors) = (net(seed), Adam::default().learning_rate(RATE), Vec::new());
    method(&mut net, &signal(steps, seed), seed, &mut |net, error, gradients| {
        adam.step(net, &gradients);
        errors.push(error);
    });
    let last = &errors[errors.len() * 3 / 4..];
    (last.iter().sum::<f64>() / last.len() as f64, net)
}

/// The gradient of the errors of a whole signal, with weights that stay as they are.
fn gradient(method: Method, net: &Net<Tensor>, signal: &Signal, seed: u64) -> Vec<f64> {
    let mut sum = vec![0.0; net.parameter_count()];
    method(&mut net.clone(), signal, seed, &mut |_, _, gradients| {
        let numbers = gradients.leaves().into_iter().flat_map(Tensor::to_vec);
        sum.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += f64::from(number));
    });
    sum
}

fn exact(net: &Net<Tensor>, signal: &Signal) -> Vec<f64> {
    gradient(|net, signal, _, used| bptt(signal[0].shape()[0], net, signal, used), net, signal, 0)
}

/// The distance of the mean from the exact gradient, their cosine, and the standard deviation.
fn compare(drawn: &[Vec<f64>], exact: &[f64]) -> [f64; 3] {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let distance = |a: &[f64], b: &[f64]| (dot(a, a) - 2.0 * dot(a, b) + dot(b, b)).max(0.0);
    let (n, norm) = (drawn.len() as f64, dot(exact, exact));
    let mean: Vec<f64> = (0..exact.len()).map(|i| drawn.iter().map(|one| one[i]).sum::<f64>() / n).collect();
    let variance = drawn.iter().map(|one| distance(one, &mean)).sum::<f64>() / n;
    let cosine = dot(&mean, exact) / (dot(&mean, &mean) * norm).sqrt();
    [(distance(&mean, exact) / norm).sqrt(), cosine, (variance / norm).sqrt()]
}

/// Step by step, with any learner.
fn online<L>(mut learner: L, net: &mut Net<Tensor>, signal: &Signal, used: Use<'_>)
where
    L: OnlineLearner<Number = f32, State = Tensor>,
{
    for t in 0..signal[0].shape()[0] {
        let [x, y, asked] = signal.each_ref().map(|part| part.slice(0, t..t + 1));
        let (error, gradients) = learner.step(net, [&x, &y, &asked], |net, inputs, h| net.run(inputs, h));
        if asked.item() > 0.0 {
            used(net, error, gradients);
        }
    }
}

/// Window by window, each from the state after the one before.
fn bptt(window: usize, net: &mut Net<Tensor>, signal: &Signal, used: Use<'_>) {
    let (mut tape, mut h) = (Tape::new(), start());
    for t in (0..signal[0].shape()[0]).step_by(window) {
        let part = signal.each_ref().map(|part| part.slice(0, t..(t + window).min(part.shape()[0])));
        let bound = tape.bind(net);
        let (error, after) = bound.run(part.each_ref().map(|part| tape.constant(part)), tape.constant(&h));
        let (gradients, error) = (error.backward().of(&bound), error.item());
        h = after.detached();
        tape.reset();
        if part[2].sum().item() > 0.0 {
            used(net, f64::from(error), gradients);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forward_gradients_are_those_of_the_whole_signal() {
        let (net, signal) = (net(1), signal(2 * PERIOD, 1));
        let exact = exact(&net, &signal);
        let [rtrl, _, uoro, ..] = METHODS.map(|(_, method)| {
            let drawn: Vec<_> = (0..20).map(|seed| gradient(method, &net, &signal, seed)).collect();
            compare(&drawn, &exact)
        });
        assert!(rtrl[0] < 1e-5, "{rtrl:?}");
        assert!(uoro[2] > 0.0 && uoro[0] < uoro[2], "{uoro:?}");
    }

    #[test]
    fn a_delay_is_learned_from_single_steps() {
        let [before, after] = [400, 8000].map(|steps| learn(METHODS[0].1, steps, 0).0);
        assert!(after < 0.5 * before, "{before} {after}");
    }
}
