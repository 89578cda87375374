//! The options.

use crate::corpus::Unit;
use clap::builder::RangedU64ValueParser;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Train a recurrent language model on a text, and sample from it.
#[derive(Parser, Clone, Debug)]
#[command(name = "language-model", args_override_self = true)]
pub(crate) struct Options {
    /// A text of your own, in UTF-8; without it, the documents of this project
    #[arg(long, value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,
    /// What is predicted, one after the other
    #[arg(long, value_enum, default_value = "characters")]
    pub(crate) unit: Unit,
    /// The text is already tokenized into words: split it at spaces only, and keep its `<unk>`
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    pub(crate) tokenized: bool,
    /// How often a token must occur in the text to be in the vocabulary and not `<unk>`; default: 2
    /// for words, 1 for characters
    #[arg(long, value_name = "N", value_parser = between(1, 1_000_000))]
    pub(crate) minimum_count: Option<usize>,
    /// The cell of the recurrent layers
    #[arg(long, value_enum, default_value = "lstm")]
    pub(crate) cell: CellKind,
    /// The number of units of each layer
    #[arg(long, value_name = "N", default_value = "256", value_parser = between(1, 8192))]
    pub(crate) hidden: usize,
    /// The number of recurrent layers
    #[arg(long, value_name = "N", default_value = "1", value_parser = between(1, 16))]
    pub(crate) layers: usize,
    /// The size of a token's embedding; 256 for words
    #[arg(long, value_name = "N", default_value_if("unit", "words", "256"), default_value = "64",
        value_parser = between(1, 8192))]
    pub(crate) embedding: usize,
    /// Tie the output weights to the embeddings
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    pub(crate) tied: bool,
    /// The dropout probability before, between and after the layers; 0.5 for words
    #[arg(long, value_name = "RATE", default_value_if("unit", "words", "0.5"), default_value = "0.2",
        value_parser = number(|n| (0.0..1.0).contains(&n), "of at least 0 and less than 1"))]
    pub(crate) dropout: f64,
    /// The number of time steps of truncated backpropagation
    #[arg(long, value_name = "N", default_value = "32", value_parser = between(1, 100_000))]
    pub(crate) steps: usize,
    /// The batch size: rows of the text that are read side by side
    #[arg(long, value_name = "N", default_value = "32", value_parser = between(1, 10_000))]
    pub(crate) batch: usize,
    /// The number of epochs
    #[arg(long, value_name = "N", default_value = "15", value_parser = between(1, 10_000))]
    pub(crate) epochs: usize,
    /// The peak learning rate of AdamW, which decays along a cosine; 0.003 for words
    #[arg(long, value_name = "RATE", default_value_if("unit", "words", "0.003"), default_value = "0.004",
        value_parser = number(|n| n > 0.0, "above 0"))]
    pub(crate) learning_rate: f64,
    /// The decoupled weight decay of AdamW
    #[arg(long, value_name = "DECAY", default_value = "0.01", value_parser = number(|n| n >= 0.0, "of at least 0"))]
    pub(crate) weight_decay: f64,
    /// The seed of the initial weights, dropout and sampling
    #[arg(long, value_name = "N", default_value = "0")]
    pub(crate) seed: u64,
    /// Stop training after this many minutes
    #[arg(long, value_name = "MINUTES", value_parser = number(|n| n > 0.0, "above 0"))]
    pub(crate) minutes: Option<f64>,
    /// Save the best model to this file, and the training to one beside it that ends in .checkpoint
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Resume the training that was saved
    #[arg(long, requires = "save")]
    pub(crate) resume: bool,
    /// Plot the losses of all epochs to this SVG file
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
    /// Report no progress
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Sample from the model in this file, without training
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "unit", "tokenized", "save", "picture"])]
    pub(crate) load: Option<PathBuf>,
    /// The number of tokens to generate at the end; default: 300 characters or 80 words
    #[arg(long, value_name = "N")]
    pub(crate) generate: Option<usize>,
    /// The text to continue; without it, a new line, or some words of this project
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,
    /// Scores are divided by this before sampling; 0 always takes the most probable token
    #[arg(long, value_name = "T", default_value = "0.8", value_parser = number(|n| n >= 0.0, "of at least 0"))]
    pub(crate) temperature: f64,
    /// Sample from the K most probable tokens only
    #[arg(long, value_name = "K", value_parser = between(1, 1_000_000_000))]
    pub(crate) top_k: Option<usize>,
    /// Sample from the most probable tokens that together reach this probability
    #[arg(long, value_name = "P", default_value = "1", value_parser = number(|n| n > 0.0 && n <= 1.0, "in (0, 1]"))]
    pub(crate) top_p: f64,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq)]
pub(crate) enum CellKind {
    SimpleRnn,
    Lstm,
    Gru,
}

impl Options {
    pub(crate) fn unit(&self) -> Result<Unit, String> {
        match (self.unit, self.tokenized) {
            (Unit::Characters, true) => Err("--tokenized is for --unit words".to_string()),
            (_, true) => Ok(Unit::Tokenized),
            (unit, false) => Ok(unit),
        }
    }

    /// What determines a model and its training, apart from the text: saved with the model, and a
    /// resumed training must have the same.
    pub(crate) fn fixed(&self) -> [(&'static str, String); 14] {
        [
            ("--unit", name(&self.unit)),
            ("--tokenized", self.tokenized.to_string()),
            ("--cell", name(&self.cell)),
            ("--hidden", self.hidden.to_string()),
            ("--layers", self.layers.to_string()),
            ("--embedding", self.embedding.to_string()),
            ("--tied", self.tied.to_string()),
            ("--dropout", self.dropout.to_string()),
            ("--steps", self.steps.to_string()),
            ("--batch", self.batch.to_string()),
            ("--epochs", self.epochs.to_string()),
            ("--learning-rate", self.learning_rate.to_string()),
            ("--weight-decay", self.weight_decay.to_string()),
            ("--seed", self.seed.to_string()),
        ]
    }
}

fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().expect("no value is hidden").get_name().to_string()
}

fn between(least: u64, most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..=most)
}

fn number(
    is: fn(f64) -> bool,
    expected: &'static str,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|&number: &f64| number.is_finite() && is(number));
        number.ok_or_else(|| format!("it must be a number {expected}"))
    }
}
