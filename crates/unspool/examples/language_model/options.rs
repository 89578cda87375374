//! The options of the recurrent language models.

use crate::corpus::Unit;
use clap::builder::RangedU64ValueParser;
use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Train a recurrent language model on a text, and sample from it.
#[derive(Parser, Debug)]
pub(crate) struct Options {
    /// A text of your own, in UTF-8; without it, the documents of this project
    #[arg(long, value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,
    /// The text of word_rnn is already tokenized: split it at spaces only, and keep its <unk>
    #[arg(long, conflicts_with = "load")]
    pub(crate) tokenized: bool,
    /// How often a token must occur in the text to be in the vocabulary and not <unk>; default: 2
    /// for words, 1 for characters
    #[arg(long, value_name = "N", value_parser = between::<usize>(1, 1_000_000))]
    pub(crate) minimum_count: Option<usize>,
    /// The cell of the recurrent layers
    #[arg(long, value_enum, default_value = "lstm")]
    pub(crate) cell: CellKind,
    /// The number of units of each layer
    #[arg(long, value_name = "N", default_value = "256", value_parser = between::<usize>(1, SIZE))]
    pub(crate) hidden: usize,
    /// The number of recurrent layers
    #[arg(long, value_name = "N", default_value = "1", value_parser = between::<usize>(1, LAYERS))]
    pub(crate) layers: usize,
    /// The size of a token's embedding
    #[arg(long, value_name = "N", default_value = "64", value_parser = between::<usize>(1, SIZE))]
    pub(crate) embedding: usize,
    /// The dropout probability before, between and after the layers
    #[arg(long, value_name = "RATE", default_value = "0.2", value_parser = rate)]
    pub(crate) dropout: f64,
    /// Tie the output weights to the embeddings
    #[arg(long)]
    pub(crate) tied: bool,
    /// The number of time steps of truncated backpropagation
    #[arg(long, value_name = "N", default_value = "32", value_parser = between::<usize>(1, 100_000))]
    pub(crate) steps: usize,
    /// The batch size: rows of the text that are read side by side
    #[arg(long, value_name = "N", default_value = "32", value_parser = between::<usize>(1, 10_000))]
    pub(crate) batch: usize,
    /// The number of epochs
    #[arg(long, value_name = "N", default_value = "15", value_parser = between::<usize>(1, 10_000))]
    pub(crate) epochs: usize,
    /// Stop after the epoch in which this many minutes have passed
    #[arg(long, value_name = "MINUTES", value_parser = positive)]
    pub(crate) minutes: Option<f64>,
    /// The peak learning rate of AdamW; it decays along a cosine
    #[arg(long, value_name = "RATE", default_value = "0.004", value_parser = positive)]
    pub(crate) learning_rate: f64,
    /// The decoupled weight decay of AdamW
    #[arg(long, value_name = "DECAY", default_value = "0.01", value_parser = amount)]
    pub(crate) weight_decay: f64,
    /// The seed of the initial weights, dropout and sampling
    #[arg(long, value_name = "N", default_value = "0")]
    pub(crate) seed: u64,
    /// Save the best model and a checkpoint of the training to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Plot the losses of all epochs to this SVG file
    #[arg(long, value_name = "FILE", conflicts_with = "load")]
    pub(crate) picture: Option<PathBuf>,
    /// Resume from that checkpoint
    #[arg(long, requires = "save")]
    pub(crate) resume: bool,
    /// Sample from the model in this file, without training
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "save"])]
    pub(crate) load: Option<PathBuf>,
    /// The number of tokens to generate at the end
    #[arg(long, value_name = "N", default_value = "300", value_parser = between::<usize>(0, 1_000_000_000))]
    pub(crate) generate: usize,
    /// The text to continue; without it, a new line, or some words of this project
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,
    /// Scores are divided by this before sampling; 0 always takes the most probable token
    #[arg(long, value_name = "T", default_value = "0.8", value_parser = amount)]
    pub(crate) temperature: f64,
    /// Sample from the K most probable tokens only
    #[arg(long, value_name = "K", value_parser = between::<usize>(1, 1_000_000_000))]
    pub(crate) top_k: Option<usize>,
    /// Sample from the most probable tokens that together reach this probability
    #[arg(long, value_name = "P", value_parser = probability)]
    pub(crate) top_p: Option<f64>,
}

/// The largest size of an embedding or a layer.
pub(crate) const SIZE: u64 = 8192;
pub(crate) const LAYERS: u64 = 16;

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq)]
pub(crate) enum CellKind {
    SimpleRnn,
    Lstm,
    Gru,
}

impl Options {
    /// Reads arguments, the first of which is the name of the program. Defaults are those of
    /// characters, and for words others.
    pub(crate) fn read(unit: Unit, arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = Options::command();
        let of_words = [("embedding", "256"), ("dropout", "0.5"), ("learning_rate", "0.003"), ("generate", "80")];
        for (name, default) in of_words.into_iter().filter(|_| unit != Unit::Characters) {
            command = command.mut_arg(name, |argument| argument.default_value(default));
        }
        Options::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }
}

fn between<T: TryFrom<u64>>(least: u64, most: u64) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(least..=most)
}

fn number(text: &str, is: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|&number| number.is_finite() && is(number));
    number.ok_or_else(|| format!("it must be a number {expected}"))
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0, "above 0")
}

fn amount(text: &str) -> Result<f64, String> {
    number(text, |number| number >= 0.0, "of at least 0")
}

fn rate(text: &str) -> Result<f64, String> {
    number(text, |number| (0.0..1.0).contains(&number), "of at least 0 and less than 1")
}

fn probability(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0 && number <= 1.0, "above 0 and at most 1")
}
