//! What the programs share: their arguments, their data, and the conversation that docs/BENCHMARKS.md tells of.

#![forbid(unsafe_code)]

use serde_json::Value;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::{Duration, Instant};

/// What a program was asked to be.
pub struct Request {
    /// The program's name.
    pub program: String,
    /// The number of threads.
    pub threads: usize,
    spec: Value,
}

impl Request {
    /// From the command line. Ends the program with a sentence if that makes no sense.
    pub fn from_args() -> Request {
        let mut args = std::env::args().skip(1);
        let mut options = std::collections::HashMap::new();
        while let (Some(name), Some(value)) = (args.next(), args.next()) {
            options.insert(name, value);
        }
        let option = |name: &str| options.get(name).cloned().unwrap_or_else(|| panic!("{name} is needed"));
        let list = std::fs::read_to_string(option("--list")).expect("the list of workloads");
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let threads = option("--threads").parse().expect("a number of threads");
        Request { program: option("--program"), threads, spec: list[option("--workload")].clone() }
    }

    /// A number of the workload; 0 if it has none of that name.
    pub fn number(&self, name: &str) -> usize {
        self.spec[name].as_u64().unwrap_or(0) as usize
    }

    /// A word of the workload; empty if it has none of that name.
    pub fn word(&self, name: &str) -> &str {
        self.spec[name].as_str().unwrap_or("")
    }

    /// The widths of the layers.
    pub fn widths(&self) -> Vec<usize> {
        let list =
            |name: &str| self.spec[name].as_array().into_iter().flatten().filter_map(|n| Some(n.as_u64()? as usize));
        match self.number("H") {
            0 => list("layers").chain(list("sizes")).collect(),
            hidden => vec![hidden],
        }
    }
}

/// Values without pattern, the same every time, scaled.
pub fn values(count: usize, scale: f32) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 % 1009) as f32 / 504.5 - 1.0) * scale).collect()
}

/// Classes without pattern, the same every time.
pub fn classes(count: usize, classes: usize) -> Vec<u32> {
    (0..count).map(|i| (i * 7919 % 1009 % classes) as u32).collect()
}

/// Says that the workload is not done, and ends.
pub fn skip(why: &str) -> ! {
    say(serde_json::json!({ "skip": why }));
    std::process::exit(0)
}

/// Answers for `step`.
pub fn serve(version: &str, mut step: impl FnMut()) {
    let _ = std::fs::write("/proc/self/clear_refs", "5"); // the peak starts again from here
    let baseline = status("VmRSS:");
    let (started, mut steps) = (Instant::now(), 0);
    while steps < 4 || started.elapsed() < Duration::from_millis(200) {
        step();
        steps += 1;
    }
    say(serde_json::json!({ "ready": version }));
    for line in stdin().lock().lines().map_while(Result::ok) {
        if line == "memory" {
            say(serde_json::json!(status("VmHWM:").zip(baseline).map(|(peak, before)| peak - before)));
            continue;
        }
        let count: u64 = line.parse().expect("a number of steps");
        let started = Instant::now();
        (0..count).for_each(|_| step());
        say(serde_json::json!(started.elapsed().as_nanos() as u64));
    }
}

fn say(value: Value) {
    let mut out = stdout().lock();
    writeln!(out, "{value}").and_then(|()| out.flush()).expect("somebody listens");
}

/// A field of what the system tells of this process, in bytes.
fn status(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
