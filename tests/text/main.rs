//! Text for language models.

use proptest::prelude::*;

mod batches;
mod beam_search;
mod language_model;
mod ngram;
mod sampler;
mod sentences;
mod truncated_bptt;
mod vocabulary;

/// The sentence of what went wrong.
#[track_caller]
fn sentence<R, E: std::fmt::Display>(result: Result<R, E>) -> String {
    result.err().expect("refused").to_string()
}

/// Few cases of large things, many of small ones.
fn cases(n: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(n) }
}
