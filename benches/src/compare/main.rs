//! `cargo run --release -p unspool-benches --bin compare`: training steps of unspool and of other libraries, in turn.
//!
//! Every program is a process of its own that has its work ready and does some of it when asked, so that all of them
//! meet the same machine. docs/BENCHMARKS.md tells what they do.

#![forbid(unsafe_code)]

mod args;
mod child;
mod cores;
mod peers;
mod report;
mod rounds;
mod serve;
mod table;

use args::Args;
use clap::Parser;
use report::Report;
use std::process::ExitCode;
use unspool::bench::fma_peak;
use unspool_benches::workload;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("compare: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let list = std::fs::read_to_string(&args.list).map_err(|e| format!("{}: {e}", args.list.display()))?;
    let workloads = workload::choose(&workload::parse(&list)?, &args.workload)?;
    if let Some(program) = &args.serve {
        return serve::serve(&workloads[0], program, args.threads);
    }
    let cores = cores::first(args.threads)?;
    let peers = peers::find(args)?;
    let mut peak = fma_peak();
    let mut reports: Vec<Report> = Vec::new();
    for workload in &workloads {
        let programs = peers::commands(args, workload, &peers, cores.as_deref())?;
        let measured = rounds::measure(&workload.id, programs, args.seconds, args.threads);
        peak = peak.max(fma_peak());
        for program in measured {
            let report = Report::new(workload, args.threads, program);
            println!("{}", report.json());
            reports.push(report);
        }
    }
    print!("\n{}", table::table(&workloads, &reports, peak * args.threads as f64));
    Ok(())
}
