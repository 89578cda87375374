//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Times training steps of unspool and of other libraries in turn; prints a JSON line for each program, then a table.
#[derive(Debug, Parser)]
#[command(name = "compare")]
pub struct Args {
    /// Workloads, as W5 or W1,W2; repeatable [default: all]
    #[arg(long, value_delimiter = ',')]
    pub workload: Vec<String>,
    /// Threads of every program
    #[arg(long, default_value_t = 1, value_parser = threads)]
    pub threads: usize,
    /// Seconds of measuring per workload, shared by its programs
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// A Python that has some of torch, jax and keras; repeatable
    #[arg(long)]
    pub python: Vec<PathBuf>,
    /// Only these of the other libraries' programs, as jax,torch_eager; repeatable [default: all]
    #[arg(long, value_delimiter = ',')]
    pub peer: Vec<String>,
    /// A folder with the built programs of benches/peers/rust
    #[arg(long)]
    pub rust_peers: Option<PathBuf>,
    /// The list of workloads
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/workloads.json"))]
    pub list: PathBuf,
    /// The folder with the Python programs
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))]
    pub scripts: PathBuf,
    /// Be one of the programs
    #[arg(long, hide = true)]
    pub serve: Option<String>,
}

fn threads(value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(0) | Err(_) => Err("a number of threads is at least 1".to_owned()),
        Ok(threads) => Ok(threads),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_repetitions_are_the_same() {
        let args = Args::parse_from(["compare", "--workload", "W1,W2", "--workload", "W5", "--threads", "2"]);
        assert_eq!((args.workload, args.threads), (vec!["W1".to_owned(), "W2".into(), "W5".into()], 2));
    }

    #[test]
    fn no_threads_are_refused() {
        let error = Args::try_parse_from(["compare", "--threads", "0"]).unwrap_err().to_string();
        assert!(error.contains("a number of threads is at least 1"), "{error}");
    }
}
