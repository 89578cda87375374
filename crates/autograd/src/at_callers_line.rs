//! Mistakes in functions that the user passed in, reported at the user's line.

use crate::scope::isolated;
use std::fmt::Display;
use unspool_tensor::mistake::{are_held_back, catch, hold_back};

/// Calls `f`, which calls functions that the user passed in. If one makes a mistake, panics with its
/// sentence at the caller's line, and names the line that made it: called through a closure or on
/// another thread, it has no caller in the user's program.
#[track_caller]
pub fn at_callers_line<R>(f: impl FnOnce() -> R) -> R {
    match catch(f) {
        Ok(result) => result,
        Err(caught) => caught.raise(None),
    }
}

/// The same, with a hint where the function was given.
#[track_caller]
pub fn at_callers_line_with<R>(hint: impl Display, f: impl FnOnce() -> R) -> R {
    match catch(f) {
        Ok(result) => result,
        Err(caught) => caught.raise(Some(&hint)),
    }
}

/// `f` as work of a thread pool: outside of the scopes of the thread that takes it, and with mistakes
/// held back if they are on this thread, which waits for it.
pub fn on_any_thread<X, R>(f: impl Fn(X) -> R + Sync) -> impl Fn(X) -> R + Sync {
    let held_back = are_held_back();
    move |x| isolated(|| hold_back(held_back, || f(x)))
}
