//! Mistakes in functions that the user passed in, reported at the user's line.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Calls `f`. If it panics with a sentence, panics with this sentence at the caller's line, with
/// the hint where it came from: a function that is called through a closure or on another thread
/// has no line of the user's program.
#[track_caller]
pub(crate) fn at_callers_line<R>(hint: impl Display, f: impl FnOnce() -> R) -> R {
    let payload = match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => return result,
        Err(payload) => payload,
    };
    match payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied()) {
        Some(sentence) => panic!("{sentence} ({hint})"),
        None => resume_unwind(payload),
    }
}
