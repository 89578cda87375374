//! Printing results on standard output.

use std::io::{ErrorKind, Write, stdout};

/// Prints at once. A closed pipe, as in `ngram | head -1`, is no error.
pub(crate) fn print(text: &str) -> Result<(), String> {
    match stdout().write_all(text.as_bytes()).and_then(|()| stdout().flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(format!("cannot print the results: {e}")),
        _ => Ok(()),
    }
}
