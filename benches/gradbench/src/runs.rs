//! Running a function as often as the suite wants it, and timing each run.

use crate::json::Output;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;
use unspool::{Scalar, Tape};

/// What a function returned in its last run, and how long each run took.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub(crate) output: Value,
    pub(crate) nanoseconds: Vec<u64>,
}

/// How often the suite wants a function run: as often as `min_runs`, and until `min_seconds` have
/// passed.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Runs {
    min_runs: usize,
    min_seconds: f64,
}

/// Reads the input, runs `function` on it and times each run. Reading the input and writing the
/// output do not count.
///
/// # Errors
/// If the input is not what the function takes, or its sizes do not fit each other.
pub(crate) fn run<I: DeserializeOwned, O: Output>(
    input: &str,
    mut function: impl FnMut(&I) -> O,
) -> Result<Evaluation, String> {
    let no_input = |error| format!("the input is not what this function takes: {error}");
    // An input that is no object, as that of `hello`, states no runs.
    let runs: Runs =
        if input.starts_with('{') { serde_json::from_str(input).map_err(no_input)? } else { Runs::default() };
    let input: I = serde_json::from_str(input).map_err(no_input)?;
    let mut repeat = || {
        let (mut nanoseconds, mut total) = (Vec::new(), 0);
        loop {
            let start = Instant::now();
            let output = function(&input);
            let elapsed = start.elapsed().as_nanos() as u64;
            nanoseconds.push(elapsed);
            total += elapsed;
            if nanoseconds.len() >= runs.min_runs && total as f64 >= runs.min_seconds * 1e9 {
                return Evaluation { output: output.to_json(), nanoseconds };
            }
        }
    };
    catch_unwind(AssertUnwindSafe(&mut repeat)).map_err(|panic| sentence(&*panic))
}

/// [`run`] for a function that computes on a tape, which is reset after each run, as a training loop
/// does after each step. The reset counts.
pub(crate) fn run_on_tape<T: Scalar, I: DeserializeOwned, O: Output>(
    input: &str,
    function: impl Fn(&Tape<T>, &I) -> O,
) -> Result<Evaluation, String> {
    let mut tape = Tape::new();
    run(input, |input| {
        let output = function(&tape, input);
        tape.reset();
        output
    })
}

/// What a panic said: sizes that do not fit, usually.
fn sentence(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the function panicked").to_string()
}
