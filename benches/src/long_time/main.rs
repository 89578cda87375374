//! Time and memory of one long sequence, stored and checkpointed: the forward pass of an LSTM, the
//! mean square of its last state, and the gradients.
//!
//! The forget gates are nearly open, so that the gradient does not vanish on its way.

mod revolve;

use clap::Parser;
use std::process::Command;
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
    /// A table of these budgets in MB, each in a process of its own, with the least number of steps
    /// to make again by the formula of Griewank and Walther.
    #[arg(long, value_delimiter = ',', value_name = "MB,MB,..", conflicts_with_all = ["every", "budget", "evaluate"])]
    budgets: Vec<f64>,
    /// Only the forward pass, with frozen weights.
    #[arg(long)]
    evaluate: bool,
    /// Repetitions; the first is not counted if there are several.
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// Prints the row of `--budgets`.
    #[arg(long, hide = true, requires = "budget")]
    row: bool,
}

/// What a run took.
struct Run {
    /// Per step, in microseconds.
    time: f64,
    /// Over weights and data, in MB.
    peak: f64,
    /// The steps made again, over all steps.
    again: f64,
    checksum: f32,
}

fn main() {
    let args = Args::parse();
    if !args.budgets.is_empty() {
        return table(&args);
    }
    let Run { time, peak, again, checksum } = run(&args);
    match args.budget {
        Some(budget) if args.row => {
            let plan = revolve::Plan::within(budget, group(&args), args.time);
            println!(
                "{:>9.2}  {:>5} of {:>4} steps  {:>9}  {again:>10.3}  {:>7.3}  {time:>9.1}  {peak:>7.1}",
                budget as f64 / 1e6,
                plan.leaves,
                plan.leaf,
                plan.snapshots,
                plan.repeated as f64 / args.time as f64,
            );
        }
        _ => println!(
            "T {:>8}: {time:8.2} us a step, peak {peak:7.1} MB over weights and data, {again:.3} of the steps made again; checksum {checksum:.6e}",
            args.time,
        ),
    }
}

fn table(args: &Args) {
    println!("LSTM({}), {} sequences of {} steps", args.hidden, args.batch, args.time);
    println!("budget MB             leaves  snapshots  made again  formula  us a step  peak MB");
    for budget in &args.budgets {
        let options = [("time", args.time), ("batch", args.batch), ("hidden", args.hidden), ("repeat", args.repeat)];
        let mut child = Command::new(std::env::current_exe().expect("this program has a path"));
        child.arg("--row").args(["--budget", &format!("{:.0}", budget * 1e6)]);
        child.args(options.map(|(name, value)| format!("--{name}={value}")));
        // A budget that is too small prints its sentence; the others go on.
        child.status().expect("this program starts again");
    }
}

fn layer(args: &Args) -> Recurrent<Lstm<Tensor>> {
    let mut layer = Recurrent::new(Lstm::new(&mut rng(0), 1, args.hidden));
    layer.cell.x.bias.slice_assign(0, args.hidden, &Tensor::full(10.0, [args.hidden]));
    layer
}

/// The steps that are made again together, and what the tape keeps of them.
fn group(args: &Args) -> revolve::Group {
    let steps = (256 / args.batch).max(1);
    let tape = Tape::new();
    let net = tape.bind(&layer(args));
    let xs = tape.constant(&Tensor::ones([steps, args.batch, 1]));
    let state = net.cell.zero_state(args.batch);
    let _recomputable = tape.recomputable();
    let since = tape.len();
    net.run(xs, Some(state), Context::default().without_sequence());
    let state = 2 * args.batch * args.hidden * size_of::<f32>();
    revolve::Group { steps, bytes: tape.bytes(since..tape.len()), state }
}

fn run(args: &Args) -> Run {
    let xs = Tensor::from_fn([args.time, args.batch, 1], |i| (i as f32 * 0.01).sin());
    let cx = Context::default().without_sequence();
    let mut layer = layer(args);
    layer.checkpointing = args.every.map(Checkpointing::every).or(args.budget.map(Checkpointing::budget));
    let baseline = Baseline::now();
    let mut tape = Tape::new();
    let mut seconds = Vec::new();
    let (mut again, mut sum) = (0.0, 0.0);
    for _ in 0..args.repeat {
        let start = Instant::now();
        {
            let x = tape.constant(&xs);
            if args.evaluate {
                sum = tape.bind_frozen(&layer).apply(x, cx).state().1.square().mean().item();
            } else {
                let net = tape.bind(&layer);
                let loss = net.apply(x, cx).state().1.square().mean();
                let values = tape.len() as f64;
                sum = loss.backward().of(&net).cell.u.to_vec().iter().map(|g| g.abs()).sum();
                again = tape.recomputed() as f64 / values;
            }
        }
        seconds.push(start.elapsed().as_secs_f64());
        tape.reset();
    }
    let counted = &mut seconds[usize::from(args.repeat > 1)..];
    counted.sort_by(f64::total_cmp);
    let growth = baseline.and_then(|baseline| baseline.peak_growth()).unwrap_or(0);
    Run { time: 1e6 * counted[counted.len() / 2] / args.time as f64, peak: growth as f64 / 1e6, again, checksum: sum }
}
