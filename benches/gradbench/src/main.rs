//! The tool that GradBench starts: messages on standard input, responses on standard output.

use std::io::{stdin, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    match unspool_gradbench::serve(stdin().lock(), stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
