//! The text of the language models, as the numbers of its words or characters: what the examples `ngram`, `window_lm`,
//! `char_rnn` and `word_rnn` read.

use std::path::Path;
use unspool::text::{Mark, Vocabulary, characters, read_text, words};
use unspool::time_split;

/// This project's own documents.
const DOCUMENTS: &str = concat!(
    include_str!("../../../../README.md"),
    include_str!("../../../../docs/DESIGN.md"),
    include_str!("../../../../docs/BENCHMARKS.md"),
    include_str!("../../../../CONTRIBUTING.md"),
);

/// What the tokens are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    Words,
    Characters,
}

impl Unit {
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Unit::Words => "words",
            Unit::Characters => "characters",
        }
    }

    pub(crate) fn singular(self) -> &'static str {
        self.plural().trim_end_matches('s')
    }

    pub(crate) fn split(self, text: &str) -> Vec<&str> {
        match self {
            Unit::Words => words(text).collect(),
            Unit::Characters => characters(text).collect(),
        }
    }

    /// How often a token must stand in a text to be known, unless told otherwise.
    fn minimum_count(self) -> usize {
        match self {
            Unit::Words => 2,
            Unit::Characters => 1,
        }
    }
}

/// A text in two parts, and the vocabulary of the first.
pub(crate) struct Corpus {
    pub(crate) vocabulary: Vocabulary,
    /// The first nine tenths.
    pub(crate) train: Vec<usize>,
    /// The last tenth.
    pub(crate) test: Vec<usize>,
    pub(crate) unit: Unit,
}

impl Corpus {
    /// The text of a file, or this project's. It must have `least` tokens, for a reason: "up to n = 6".
    pub(crate) fn load(
        file: Option<&Path>,
        unit: Unit,
        minimum_count: Option<usize>,
        (least, reason): (usize, String),
    ) -> Result<Self, String> {
        let (name, text) = match file {
            Some(file) => (file.display().to_string(), read_text(file).map_err(|e| e.to_string())?),
            None => ("the text".to_string(), DOCUMENTS.to_string()),
        };
        let tokens = unit.split(&text);
        let have = tokens.len();
        if have < least {
            let unit = if have == 1 { unit.singular() } else { unit.plural() };
            return Err(format!(
                "{name} has {have} {unit}: {reason} a text needs at least {least}, the last tenth of which is held out"
            ));
        }
        let [train, test] = time_split(have, [90, 10]).map(|part| &tokens[part]);
        let minimum_count = minimum_count.unwrap_or(unit.minimum_count());
        let sentence = |e| format!("{name}: {e}");
        let vocabulary = Vocabulary::new(train.iter().copied(), minimum_count, [Mark::Unknown]).map_err(sentence)?;
        let encode = |tokens: &[&str]| vocabulary.encode(tokens.iter().copied()).map_err(sentence);
        let (train, test) = (encode(train)?, encode(test)?);
        Ok(Corpus { vocabulary, train, test, unit })
    }
}

/// The numbers of a prompt's tokens.
pub(crate) fn prompt(vocabulary: &Vocabulary, unit: Unit, prompt: &str) -> Result<Vec<usize>, String> {
    vocabulary.encode_known(unit.split(prompt)).map_err(|e| format!("the prompt: {e}"))
}
