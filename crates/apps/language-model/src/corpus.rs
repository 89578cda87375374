//! A text as the IDs of its words or characters.

use clap::ValueEnum;
use std::error::Error;
use std::path::Path;
use unspool::data::time_split;
use unspool::text::{SpecialToken, Vocabulary, characters, join_words, read_text, whitespace_words, words};

/// This project's own documents.
const DOCUMENTS: &str = concat!(
    include_str!("../../../../README.md"),
    include_str!("../../../../docs/DESIGN.md"),
    include_str!("../../../../docs/BENCHMARKS.md"),
    include_str!("../../../../CONTRIBUTING.md"),
);

/// What the tokens are.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    Characters,
    Words,
    /// Words of a text that was tokenized before, between spaces.
    #[value(skip)]
    Tokenized,
}

impl Unit {
    pub(crate) fn plural(self) -> &'static str {
        if self == Unit::Characters { "characters" } else { "words" }
    }

    pub(crate) fn split(self, text: &str) -> Vec<&str> {
        match self {
            Unit::Characters => characters(text).collect(),
            Unit::Words => words(text).collect(),
            Unit::Tokenized => whitespace_words(text).collect(),
        }
    }

    /// What is written for a token after another one.
    pub(crate) fn written(self, before: &str, token: &str) -> String {
        match self {
            Unit::Words => join_words([before, token])[before.len()..].to_string(),
            Unit::Tokenized if before != "\n" => format!(" {token}"),
            Unit::Characters | Unit::Tokenized => token.to_string(),
        }
    }
}

/// A text in two parts, and the vocabulary of the first.
pub(crate) struct Corpus {
    pub(crate) vocabulary: Vocabulary,
    /// The first nine tenths.
    pub(crate) train: Vec<usize>,
    /// The last tenth.
    pub(crate) held_out: Vec<usize>,
}

impl Corpus {
    /// The text of a file, or this project's, in at least `least` tokens. Tokens that occur less
    /// than `minimum_count` times in the first part are unknown.
    pub(crate) fn read(
        file: Option<&Path>,
        unit: Unit,
        minimum_count: Option<usize>,
        least: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let text = with_one_line_end(&file.map_or(Ok(DOCUMENTS.to_string()), read_text)?);
        let (unk, units) = (SpecialToken::Unk.text(), unit.plural());
        if unit == Unit::Words && text.contains(unk) {
            eprintln!("{unk} stands in the text and is cut into three words; --tokenized keeps it whole");
        }
        let tokens = unit.split(&text);
        if tokens.len() < least {
            return Err(format!("the text has {} {units}: at least {least} are needed", tokens.len()).into());
        }
        let [train, held_out] = time_split(tokens.len(), [90, 10]).map(|part| tokens[part].iter().copied());
        let minimum_count = minimum_count.unwrap_or(if unit == Unit::Characters { 1 } else { 2 });
        let vocabulary = Vocabulary::new(train.clone(), minimum_count, [SpecialToken::Unk])?;
        Ok(Corpus { train: vocabulary.encode(train)?, held_out: vocabulary.encode(held_out)?, vocabulary })
    }

    /// A number that another text hardly has: the hash FNV-1a of the vocabulary and the IDs.
    pub(crate) fn hash(&self) -> u64 {
        let ids = self.train.iter().chain(&self.held_out).map(|&id| id as u64);
        let numbers = self.vocabulary.to_json().into_bytes().into_iter().map(u64::from).chain(ids);
        numbers.fold(0xcbf2_9ce4_8422_2325, |hash, number| (hash ^ number).wrapping_mul(0x100_0000_01b3))
    }
}

/// A line break is one character, however the text writes it.
fn with_one_line_end(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The IDs of a prompt's tokens; without one, of a line break or the most frequent token.
pub(crate) fn prompt(vocabulary: &Vocabulary, unit: Unit, prompt: Option<&str>) -> Result<Vec<usize>, String> {
    let Some(prompt) = prompt else { return Ok(vec![vocabulary.id("\n").unwrap_or(vocabulary.len().min(2) - 1)]) };
    let tokens = vocabulary.encode_known(unit.split(&with_one_line_end(prompt)));
    match tokens.map_err(|e| format!("the prompt: {e}"))? {
        tokens if tokens.is_empty() => Err(format!("the prompt has no {}", unit.plural())),
        tokens => Ok(tokens),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(text: &str, unit: Unit) -> Corpus {
        let file = std::env::temp_dir().join(format!("corpus-{}-{unit:?}.txt", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let corpus = Corpus::read(Some(&file), unit, None, 1).unwrap();
        std::fs::remove_file(&file).unwrap();
        corpus
    }

    #[test]
    fn texts_are_split_into_their_units() {
        let text = " the <unk> said : no <unk> \r\n".repeat(20);
        let [whole, cut, single] = [Unit::Tokenized, Unit::Words, Unit::Characters].map(|unit| corpus(&text, unit));
        assert_eq!(whole.vocabulary.len(), 1 + 5); // <unk>, the, said, :, no, line break
        let ids = whole.train.iter().chain(&whole.held_out);
        assert_eq!(ids.filter(|&&id| whole.vocabulary.tokens()[id] == "<unk>").count(), 40);
        assert_eq!((cut.train.len(), cut.held_out.len()), (11 * 18, 11 * 2));
        assert!(single.vocabulary.id("\r").is_none() && single.hash() != cut.hash());
        let of = |text| prompt(&single.vocabulary, Unit::Characters, text);
        assert_eq!(of(Some("\r\n")), of(None));
    }

    #[test]
    fn words_are_written_as_they_were_split() {
        for (unit, text) in [(Unit::Words, "Yes, (no)\nOr"), (Unit::Tokenized, "yes , \nor"), (Unit::Characters, "a b")]
        {
            let tokens = unit.split(text);
            let before = ["\n"].iter().chain(&tokens);
            let written = before.zip(&tokens).map(|(before, token)| unit.written(before, token));
            assert_eq!(written.collect::<String>(), text);
        }
    }
}
