//! The memory of a training that runs for long: after one step of a large shape, steps of small shapes that
//! change, and what the process holds meanwhile.

use clap::Parser;
use std::time::Instant;
use unspool::Lstm;
use unspool::prelude::*;
use unspool::tensor::{bytes_allocated, bytes_held};
use unspool_benches::memory::resident_bytes;

#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 100_000)]
    steps: usize,
    #[arg(long, default_value_t = 16)]
    hidden: usize,
    /// The most time steps and examples of the large first step.
    #[arg(long, default_value_t = 2000)]
    large: usize,
    /// Those of all others.
    #[arg(long, default_value_t = 40)]
    small: usize,
}

fn main() {
    let args = Args::parse();
    let mut model = Recurrent::new(Lstm::<Tensor>::new(&mut rng(0), 4, args.hidden));
    let (mut adam, mut tape) = (Adam::default(), Tape::new());
    let mut step = |[time, batch]: [usize; 2]| {
        let start = Instant::now();
        let x: Tensor = Tensor::ones([time, batch, 4]);
        let net = tape.bind(&model);
        let gradients = net.forward(tape.constant(&x)).last().square().mean().backward().of(&net);
        tape.reset();
        adam.step(&mut model, &gradients);
        start.elapsed().as_secs_f64()
    };
    // Sizes without pattern, from 1 to `small`.
    let sizes = |i: usize| [7919, 5741].map(|factor| 1 + i * factor % 10_007 % args.small);
    println!("{:>8} {:>14} {:>12} {:>14} {:>14}", "steps", "resident, MB", "held, MB", "allocated, MB", "us a step");
    let row = |steps: usize, time: f64| {
        let bytes = [resident_bytes().unwrap_or(0) as usize, bytes_held(), bytes_allocated()];
        let [resident, held, allocated] = bytes.map(|bytes| bytes as f64 / 1e6);
        println!("{steps:8} {resident:14.1} {held:12.1} {allocated:14.1} {time:14.1}");
    };
    let mut mean = |shapes: &mut dyn ExactSizeIterator<Item = [usize; 2]>| {
        let count = shapes.len() as f64;
        shapes.map(&mut step).sum::<f64>() / count * 1e6
    };
    row(0, mean(&mut (0..100).map(sizes)));
    row(0, mean(&mut [[args.large, args.small]].into_iter()));
    let part = (args.steps / 20).max(1);
    for begin in (0..args.steps).step_by(part) {
        row(begin + part, mean(&mut (begin..begin + part).map(sizes)));
    }
}
