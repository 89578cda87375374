//! Time and memory of one long sequence, stored and checkpointed: the forward pass of an LSTM, the
//! mean square of its last state, and the gradients.
//!
//! The forget gates are nearly open, so that the gradient does not vanish on its way: the
//! processor takes ten times as long for subnormal numbers.

use clap::Parser;
use std::time::Instant;
use unspool::prelude::*;
use unspool::recurrent::Checkpointing;
use unspool_benches::memory::Baseline;

#[derive(Parser)]
struct Args {
    /// The number of time steps.
    #[arg(long, default_value_t = 1000)]
    time: usize,
    #[arg(long, default_value_t = 16)]
    batch: usize,
    #[arg(long, default_value_t = 128)]
    hidden: usize,
    /// Keep a state every so many steps.
    #[arg(long)]
    every: Option<usize>,
    /// The bytes of values to keep.
    #[arg(long)]
    budget: Option<usize>,
    /// Only the forward pass, with frozen weights.
    #[arg(long)]
    evaluate: bool,
    /// Repetitions; the first is not counted if there are several.
    #[arg(long, default_value_t = 1)]
    repeat: usize,
}

fn main() {
    let args = Args::parse();
    let mut layer = Recurrent::new(Lstm::<Tensor>::new(&mut rng(0), 1, args.hidden));
    layer.cell.x.bias.slice_assign(0, args.hidden, &Tensor::full(10.0, [args.hidden]));
    let xs = Tensor::from_fn([args.time, args.batch, 1], |i| (i as f32 * 0.01).sin());
    let cx = Context::default().without_sequence();
    layer.checkpointing = args.every.map(Checkpointing::every).or(args.budget.map(Checkpointing::budget));
    let baseline = Baseline::now();
    let mut tape = Tape::new();
    let mut seconds = Vec::new();
    let (mut recomputed, mut per_step, mut sum) = (0, 1, 0.0);
    for _ in 0..args.repeat {
        let start = Instant::now();
        {
            let x = tape.constant(&xs);
            if args.evaluate {
                sum = tape.bind_frozen(&layer).apply(x, cx).state().1.square().mean().item();
            } else {
                let net = tape.bind(&layer);
                let loss = net.apply(x, cx).state().1.square().mean();
                per_step = (tape.len() / args.time).max(1);
                sum = loss.backward().of(&net).cell.u.to_vec().iter().map(|g| g.abs()).sum();
                recomputed = tape.recomputed();
            }
        }
        seconds.push(start.elapsed().as_secs_f64());
        tape.reset();
    }
    let counted = &mut seconds[usize::from(args.repeat > 1)..];
    counted.sort_by(f64::total_cmp);
    let growth = baseline.and_then(|baseline| baseline.peak_growth()).unwrap_or(0);
    println!(
        "T {:>8}: {:8.2} us a step, peak {:7.1} MB over weights and data, {:.3} of the steps made again; checksum {sum:.6e}",
        args.time,
        1e6 * counted[counted.len() / 2] / args.time as f64,
        growth as f64 / 1e6,
        recomputed as f64 / (per_step * args.time) as f64,
    );
}
