//! A recurrent language model of characters: trained by truncated backpropagation through time,
//! saved, sampled.
//!
//! ```text
//! cargo run --release --example char_rnn
//! cargo run --release --example char_rnn -- --text book.txt --cell gru --save book.safetensors
//! cargo run --release --example char_rnn -- --load book.safetensors --generate 1000 --prompt "To be" --temperature 0.8
//! ```
//!
//! Without `--text` it reads this project's own documents. It is trained on the first nine tenths
//! of a text and validated on the last tenth, which also decides the best epoch. After Karpathy
//! 2015, "The unreasonable effectiveness of recurrent neural networks".
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
    rnn::main("char_rnn", corpus::Unit::Characters)
}
