//! Our side of the conversation with a program.
//!
//! A program says `{"ready": "its version"}`, or `{"skip": "why"}`, when its work is made and has run a few times. To
//! a number it answers how many nanoseconds that many steps took, to `memory` by how many bytes its resident memory
//! had grown at most since before the first step. It ends with its input.

use serde_json::json;
use std::hint::black_box;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::{Duration, Instant};
use unspool_benches::memory::Baseline;
use unspool_benches::work::build;
use unspool_benches::workload::Workload;

/// How long, and how many at least, steps are run before they count.
const WARM_UP: (Duration, usize) = (Duration::from_millis(200), 4);

/// Is one of our programs.
///
/// # Errors
/// If there is no such program, or nobody listens.
pub fn serve(workload: &Workload, program: &str, threads: usize) -> Result<(), String> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| e.to_string())?;
    // Inside the pool: handing over a part takes a microsecond there, and twenty from outside.
    pool.install(|| {
        let mut work = build(workload, program, threads)?;
        let baseline = Baseline::now();
        let (started, mut steps) = (Instant::now(), 0);
        while steps < WARM_UP.1 || started.elapsed() < WARM_UP.0 {
            black_box(work.step());
            steps += 1;
        }
        answer(json!({ "ready": concat!("unspool ", env!("CARGO_PKG_VERSION")) }))?;
        for line in stdin().lock().lines() {
            let line = line.map_err(|e| e.to_string())?;
            if line == "memory" {
                answer(json!(baseline.and_then(|baseline| baseline.peak_growth())))?;
                continue;
            }
            let steps: u64 = line.parse().map_err(|_| format!("{line:?} is not a number of steps"))?;
            let started = Instant::now();
            for _ in 0..steps {
                black_box(work.step());
            }
            answer(json!(started.elapsed().as_nanos() as u64))?;
        }
        Ok(())
    })
}

fn answer(value: serde_json::Value) -> Result<(), String> {
    let mut out = stdout().lock();
    writeln!(out, "{value}").and_then(|()| out.flush()).map_err(|e| e.to_string())
}
