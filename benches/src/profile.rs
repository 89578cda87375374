//! `cargo run --release -p unspool-benches --bin profile`: what the ops of each workload cost, and how much of the step
//! that is.

#![forbid(unsafe_code)]

use clap::Parser;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use unspool::autograd::Profile;
use unspool_benches::stats::median;
use unspool_benches::work::{OURS, Work, build};
use unspool_benches::workload;

#[derive(Parser)]
#[command(about = "Profiles the steps of workloads, on one thread")]
struct Args {
    /// The list of workloads
    #[arg(long, default_value = "benches/workloads.json")]
    list: PathBuf,
    /// Which of them; repeatable, or a list `W1,W2`; default: all
    #[arg(long, value_delimiter = ',')]
    workload: Vec<String>,
    /// Seconds for each
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Prints the whole table of each
    #[arg(long)]
    tables: bool,
    /// Writes the trace of a step to this file
    #[arg(long)]
    trace: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("profile: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let list = std::fs::read_to_string(&args.list).map_err(|e| format!("{}: {e}", args.list.display()))?;
    println!("workload  step ms  profiled ms  in rows  profile itself  between ops      MFLOP  closed form  peak MB");
    for workload in workload::choose(&workload::parse(&list)?, &args.workload)? {
        let mut work = build(&workload, OURS, 1)?;
        let half = Duration::from_secs_f64(args.seconds / 2.0);
        let mut plain = Vec::new();
        repeat(Duration::ZERO, || {
            time(&mut *work);
        });
        repeat(half, || plain.push(time(&mut *work)));
        work.profiled();
        // Shares are medians over steps: where other programs run, some steps are interrupted.
        let (mut profiled, mut shares, mut before) = (Vec::new(), [Vec::new(), Vec::new()], [0.0; 2]);
        repeat(half, || {
            let step = time(&mut *work);
            let profile = work.profile();
            let own = profile.by_op().into_iter().find(|row| row.op == "(profile)").unwrap_or_default();
            let after = [&profile.total(), &own].map(|row| row.time().as_secs_f64() * 1e3);
            for ((shares, after), before) in shares.iter_mut().zip(after).zip(before) {
                shares.push(100.0 * (after - before) / step);
            }
            profiled.push(step);
            before = after;
        });
        let (profile, [rows, own]) = (work.profile(), shares.map(|shares| median(&shares)));
        println!(
            "{:<8}  {:>7.3}  {:>11.3}  {rows:>6.1}%  {own:>13.1}%  {:>10.1}%  {:>9.3}  {:>11.3}  {:>7.2}",
            workload.id,
            median(&plain),
            median(&profiled),
            100.0 - rows,
            profile.total().flops() / profile.steps as f64 / 1e6,
            workload.flops() / 1e6,
            profile.peak_bytes as f64 / 1e6,
        );
        print_more(args, &profile)?;
    }
    Ok(())
}

/// How long a step takes, in ms.
fn time(work: &mut dyn Work) -> f64 {
    let begun = Instant::now();
    black_box(work.step());
    begun.elapsed().as_secs_f64() * 1e3
}

fn repeat(seconds: Duration, mut step: impl FnMut()) {
    let (begun, mut steps) = (Instant::now(), 0);
    while steps < 3 || begun.elapsed() < seconds {
        step();
        steps += 1;
    }
}

fn print_more(args: &Args, profile: &Profile) -> Result<(), String> {
    if args.tables {
        println!("\n{profile}");
    }
    args.trace.as_ref().map_or(Ok(()), |path| profile.save_chrome_trace(path)).map_err(|e| e.to_string())
}
