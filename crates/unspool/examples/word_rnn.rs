//! A recurrent language model of words: trained by truncated backpropagation through time, saved,
//! sampled.
//!
//! ```text
//! cargo run --release --example word_rnn
//! cargo run --release --example word_rnn -- --text book.txt --save book.safetensors
//! cargo run --release --example word_rnn -- --load book.safetensors --generate 100 --prompt "To be" --top-p 0.9
//! ```
//!
//! Without `--text` it reads this project's own documents. Text, split, vocabulary and targets are
//! those of the example `ngram`, so that perplexities are comparable; but here the held-out part
//! also decides the best epoch.
//!
//! Ctrl-c or SIGTERM ends the training within 50 steps; with `--save` it is saved, and `--resume`
//! continues to the same bits.

#![forbid(unsafe_code)]

#[path = "language_model/corpus.rs"]
mod corpus;
#[path = "shared/output.rs"]
mod output;
#[path = "language_model/rnn.rs"]
mod rnn;

use std::process::ExitCode;

fn main() -> ExitCode {
    rnn::main("word_rnn", corpus::Unit::Words)
}
