//! The text of the language models, as the ids of its words or characters: what the examples
//! `ngram`, `window_lm`, `char_rnn` and `word_rnn` read.

use std::io::Write;
use std::path::Path;
use unspool::data::time_split;
use unspool::text::{SpecialToken, Vocabulary, characters, read_text, whitespace_words, words};

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
    /// Words of a text that was tokenized before, between spaces.
    Tokenized,
    Characters,
}

impl Unit {
    /// Words, between spaces alone if the text was tokenized before.
    pub(crate) fn words(tokenized: bool) -> Self {
        if tokenized { Unit::Tokenized } else { Unit::Words }
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Unit::Words | Unit::Tokenized => "words",
            Unit::Characters => "characters",
        }
    }

    /// What is saved with a model.
    #[allow(dead_code)] // by `ngram` and `window_lm`, which save none
    pub(crate) fn name(self) -> &'static str {
        if self == Unit::Tokenized { "tokenized words" } else { self.plural() }
    }

    pub(crate) fn singular(self) -> &'static str {
        self.plural().trim_end_matches('s')
    }

    pub(crate) fn split(self, text: &str) -> Vec<&str> {
        match self {
            Unit::Words => words(text).collect(),
            Unit::Tokenized => whitespace_words(text).collect(),
            Unit::Characters => characters(text).collect(),
        }
    }

    /// How often a token must stand in a text to be known, unless told otherwise.
    fn minimum_count(self) -> usize {
        match self {
            Unit::Words | Unit::Tokenized => 2,
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
    /// The text of a file, or this project's. It must have `least` tokens, for a reason: "up to n =
    /// 6".
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
        let text = with_one_line_end(&text);
        if let Some(warning) = cut_special_tokens(unit, &text) {
            let _ = writeln!(std::io::stderr(), "{name}: {warning}");
        }
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
        let vocabulary =
            Vocabulary::new(train.iter().copied(), minimum_count, [SpecialToken::Unk]).map_err(sentence)?;
        let encode = |tokens: &[&str]| vocabulary.encode(tokens.iter().copied()).map_err(sentence);
        let (train, test) = (encode(train)?, encode(test)?);
        Ok(Corpus { vocabulary, train, test, unit })
    }
}

/// A text with lines that end in `\n`, however they ended: else each end is two characters of some
/// texts.
fn with_one_line_end(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// A warning if a text was tokenized before, which its special tokens show, and is split again.
fn cut_special_tokens(unit: Unit, text: &str) -> Option<String> {
    let unk = SpecialToken::Unk.text();
    let count = text.matches(unk).count();
    (unit == Unit::Words && count > 0).then(|| {
        format!("{unk} stands in the text ({count} times) and is cut into three words; --tokenized keeps it whole")
    })
}

/// The numbers of a prompt's tokens.
pub(crate) fn prompt(vocabulary: &Vocabulary, unit: Unit, prompt: &str) -> Result<Vec<usize>, String> {
    vocabulary.encode_known(unit.split(&with_one_line_end(prompt))).map_err(|e| format!("the prompt: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(name: &str, text: &str, unit: Unit) -> Corpus {
        let file = std::env::temp_dir().join(format!("corpus-{}-{name}.txt", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let corpus = Corpus::load(Some(&file), unit, None, (1, String::new())).unwrap();
        std::fs::remove_file(&file).unwrap();
        corpus
    }

    #[test]
    fn the_unk_of_a_tokenized_text_is_the_vocabularys() {
        let text = " the <unk> said : no <unk> \n".repeat(20);
        let of = |unit| corpus(&format!("{unit:?}"), &text, unit);
        let (whole, cut) = (of(Unit::Tokenized), of(Unit::Words));
        let unknown = whole.vocabulary.special_token_id(SpecialToken::Unk).unwrap();
        assert_eq!(whole.vocabulary.len(), 1 + 5); // <unk>, the, said, :, no, line break
        assert_eq!(whole.train.iter().chain(&whole.test).filter(|&&token| token == unknown).count(), 40);
        assert!(!cut.train.contains(&cut.vocabulary.special_token_id(SpecialToken::Unk).unwrap()));
        let warning = "<unk> stands in the text (40 times) and is cut into three words; --tokenized keeps it whole";
        assert_eq!(cut_special_tokens(Unit::Words, &text).as_deref(), Some(warning));
        assert_eq!([Unit::Tokenized, Unit::Characters].map(|unit| cut_special_tokens(unit, &text)), [None, None]);
        assert_eq!(cut_special_tokens(Unit::Words, "unk < >"), None);
    }

    #[test]
    fn a_line_break_is_one_token_however_it_is_written() {
        for unit in [Unit::Characters, Unit::Words, Unit::Tokenized] {
            let of = |name: &str, end: &str| {
                let corpus = corpus(&format!("{name}-{unit:?}"), &["to be", end].concat().repeat(20), unit);
                (corpus.vocabulary.tokens().to_vec(), corpus.train, corpus.test)
            };
            let expected = of("lf", "\n");
            assert!(expected == of("crlf", "\r\n") && expected == of("cr", "\r"), "{unit:?}");
            let vocabulary = corpus(&format!("prompt-{unit:?}"), &"to be\n".repeat(20), unit).vocabulary;
            let [unix, dos] = ["to\nbe", "to\r\nbe"].map(|text| prompt(&vocabulary, unit, text));
            assert_eq!(unix, dos);
        }
    }
}
