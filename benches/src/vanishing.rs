//! `cargo run --release -p unspool-benches --bin vanishing`: what gradients that vanish through time cost, with and
//! without flushing those that are nearly subnormal to 0. Many processors compute with subnormal numbers 10 to 100 times
//! slower, others as fast as with any.

#![forbid(unsafe_code)]

use std::time::Instant;
use unspool::layers::Model;
use unspool::prelude::*;
use unspool_benches::stats::median;

const SHAPE: [usize; 3] = [200, 32, 24]; // [T, B, F]
const HIDDEN: usize = 64;
const ROUNDS: usize = 15;

fn main() {
    println!(
        "Backward passes through {} steps, B = {}, H = {HIDDEN}, from the last output; medians of {ROUNDS}, in turn, in ms.\n",
        SHAPE[0], SHAPE[1]
    );
    println!(
        "| cell | recurrent weights | flushed | not flushed | subnormal gradients of inputs: flushed | not flushed |"
    );
    println!("|---|---|---|---|---|---|");
    let [_, _, inputs] = SHAPE;
    let mut rng = rng(0);
    for scale in [1.0, 0.5] {
        let mut cell = SimpleRnn::new(&mut rng, inputs, HIDDEN);
        cell.u = cell.u.map(|w| w * scale);
        row("SimpleRnn", scale, &Recurrent::new(cell));
        let mut cell = Lstm::new(&mut rng, inputs, HIDDEN);
        cell.u = cell.u.map(|w| w * scale);
        row("Lstm", scale, &Recurrent::new(cell));
        let mut cell = Gru::new(&mut rng, inputs, HIDDEN);
        cell.u = cell.u.map(|w| w * scale);
        row("Gru", scale, &Recurrent::new(cell));
    }
}

fn row(name: &str, scale: f32, layer: &impl Model<f32>) {
    let xs = Tensor::from_fn(SHAPE, |i| (i as f32 * 0.37).sin());
    let mut tapes = [true, false].map(|flush| {
        let mut tape = Tape::new();
        tape.set_flush_denormal(flush);
        tape
    });
    let (mut times, mut subnormal) = ([Vec::new(), Vec::new()], [0; 2]);
    for _ in 0..=ROUNDS {
        for (i, tape) in tapes.iter_mut().enumerate() {
            let (time, count) = backward(tape, layer, &xs);
            times[i].push(time);
            subnormal[i] = count;
            tape.reset();
        }
    }
    let [flushed, kept] = times.map(|times| median(&times[1..]));
    println!("| {name} | x {scale} | {flushed:.2} | {kept:.2} | {} | {} |", subnormal[0], subnormal[1]);
}

/// The time of a backward pass, and how many elements of the gradient with respect to the inputs are subnormal.
fn backward<M: Model<f32>>(tape: &Tape, layer: &M, xs: &Tensor) -> (f64, usize) {
    let (net, xs) = (tape.bind(layer), tape.variable(xs));
    let loss = M::output(&net, xs, Context::default()).square().mean();
    let start = Instant::now();
    let gradients = loss.backward();
    let time = start.elapsed().as_secs_f64() * 1e3;
    (time, gradients.wrt(xs).to_vec().iter().filter(|x| x.is_subnormal()).count())
}
