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
use unspool_benches::work::{OURS, build};
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
        let times = |work: &mut dyn FnMut()| {
            let (begun, mut times) = (Instant::now(), Vec::new());
            while times.len() < 3 || begun.elapsed() < half {
                let begun = Instant::now();
                work();
                times.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            times
        };
        (0..3).for_each(|_| {
            black_box(work.step());
        });
        let plain = times(&mut || {
            black_box(work.step());
        });
        work.profiled();
        let profiled = times(&mut || {
            black_box(work.step());
        });
        let (profile, wall) = (work.profile(), profiled.iter().sum::<f64>());
        let share = |time: Duration| 100.0 * time.as_secs_f64() * 1e3 / wall;
        let own: Duration = profile.by_op().iter().filter(|row| row.op == "(profile)").map(|row| row.time()).sum();
        let total = profile.total();
        println!(
            "{:<8}  {:>7.3}  {:>11.3}  {:>6.1}%  {:>13.1}%  {:>10.1}%  {:>9.3}  {:>11.3}  {:>7.2}",
            workload.id,
            median(&plain),
            median(&profiled),
            share(total.time()),
            share(own),
            100.0 - share(total.time()),
            total.flops() / profile.steps as f64 / 1e6,
            workload.flops() / 1e6,
            profile.peak_bytes as f64 / 1e6,
        );
        print_more(args, &profile)?;
    }
    Ok(())
}

fn print_more(args: &Args, profile: &Profile) -> Result<(), String> {
    if args.tables {
        println!("\n{profile}");
    }
    args.trace.as_ref().map_or(Ok(()), |path| profile.save_chrome_trace(path)).map_err(|e| e.to_string())
}
