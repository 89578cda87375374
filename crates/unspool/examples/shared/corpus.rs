//! A text as the IDs of its words, in two parts: what the language models of the examples read.

use super::cli::Cli;
use std::error::Error;
use unspool::data::{DataError, time_split};
use unspool::text::{SpecialToken, Vocabulary, characters, read_text, whitespace_words, words};

/// This project's own documents.
const DOCUMENTS: &str = concat!(
    include_str!("../../../../README.md"),
    include_str!("../../../../docs/DESIGN.md"),
    include_str!("../../../../docs/BENCHMARKS.md"),
    include_str!("../../../../CONTRIBUTING.md"),
);

pub(crate) struct Corpus {
    /// The tokens that occur twice or more in the first part; the others are `<unk>`.
    pub(crate) vocabulary: Vocabulary,
    /// The first nine tenths.
    pub(crate) train: Vec<usize>,
    /// The last tenth.
    pub(crate) held_out: Vec<usize>,
    /// The tokens of `--prompt`, if there are any.
    pub(crate) prompt: Vec<usize>,
}

impl Corpus {
    /// The text of `--text`, or the documents of this project. With `--tokenized` it is split at
    /// spaces alone, with `--characters` into characters.
    pub(crate) fn read(cli: &Cli) -> Result<Self, Box<dyn Error>> {
        let text = cli.optional("text").map_or(Ok(DOCUMENTS.to_string()), read_text)?;
        let default = if cli.optional("text").is_none() { "the gradient" } else { "" };
        let prompt = cli.optional("prompt").unwrap_or(default);
        let corpus = match (cli.flag("characters"), cli.flag("tokenized")) {
            (true, _) => Corpus::new(characters(&text), characters(prompt)),
            (_, true) => Corpus::new(whitespace_words(&text), whitespace_words(prompt)),
            _ => Corpus::new(words(&text), words(prompt)),
        }?;
        println!(
            "{} tokens to learn from, {} held out; a vocabulary of {}\n",
            corpus.train.len(),
            corpus.held_out.len(),
            corpus.vocabulary.len()
        );
        Ok(corpus)
    }

    pub(crate) fn new<'a>(
        tokens: impl Iterator<Item = &'a str>,
        prompt: impl Iterator<Item = &'a str>,
    ) -> Result<Self, DataError> {
        let tokens: Vec<&str> = tokens.collect();
        let [train, held_out] = time_split(tokens.len(), [90, 10]).map(|part| tokens[part].iter().copied());
        let vocabulary = Vocabulary::new(train.clone(), 2, [SpecialToken::Unk])?;
        let (train, held_out) = (vocabulary.encode(train)?, vocabulary.encode(held_out)?);
        let prompt = vocabulary.encode_known(prompt)?;
        Ok(Corpus { vocabulary, train, held_out, prompt })
    }
}
