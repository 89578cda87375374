//! Sentences as tokens, and batches of them.

use std::fmt;
use unspool::Indices;
use unspool::data::{DataError, Padded, pad_tokens};
use unspool::text::{SpecialToken, Vocabulary, characters, join_words, whitespace_words, words};

/// Sentences, each with its translation.
pub(crate) type Sentences = Vec<(String, String)>;

/// What a text is split into.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    Characters,
    Words,
    /// Words between spaces, of a text that was tokenized before.
    Tokenized,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl Unit {
    fn split(self, text: &str) -> Vec<&str> {
        match self {
            Unit::Characters => characters(text).collect(),
            Unit::Words => words(text).collect(),
            Unit::Tokenized => whitespace_words(text).collect(),
        }
    }

    fn join(self, tokens: Vec<&str>) -> String {
        match self {
            Unit::Characters => tokens.concat(),
            Unit::Words => join_words(tokens),
            Unit::Tokenized => tokens.join(" "),
        }
    }

    /// A text as the model reads and writes it: in lower case, split and joined.
    pub(crate) fn normalize(self, text: &str) -> String {
        self.join(self.split(&text.to_lowercase()))
    }
}

/// A sentence and its translation, as tokens.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) source: Vec<usize>,
    /// With `END`, without `BEGIN`.
    pub(crate) target: Vec<usize>,
}

/// The vocabularies of both languages.
#[derive(Clone, Debug)]
pub(crate) struct Languages {
    pub(crate) unit: Unit,
    pub(crate) source: Vocabulary,
    pub(crate) target: Vocabulary,
}

/// The special tokens of the target's vocabulary, which are its first ones.
pub(crate) const SPECIAL: [SpecialToken; 3] = [SpecialToken::Pad, SpecialToken::Bos, SpecialToken::Eos];
pub(crate) const PADDING: usize = 0;
pub(crate) const BEGIN: usize = 1;
pub(crate) const END: usize = 2;

impl Languages {
    /// Those of the sentences to train on. Words that occur less than `minimum_count` times are
    /// unknown; a character is known, or an error.
    pub(crate) fn new(unit: Unit, minimum_count: usize, train: &Sentences) -> Result<Self, DataError> {
        let unknown = (unit != Unit::Characters).then_some(SpecialToken::Unk);
        let minimum_count = if unknown.is_some() { minimum_count } else { 1 };
        let vocabulary = |special: &[SpecialToken], text: fn(&(String, String)) -> &String| {
            let texts: Vec<String> = train.iter().map(|pair| text(pair).to_lowercase()).collect();
            let tokens = texts.iter().flat_map(|text| unit.split(text));
            Vocabulary::new(tokens, minimum_count, special.iter().copied().chain(unknown))
        };
        Ok(Languages { unit, source: vocabulary(&[], |pair| &pair.0)?, target: vocabulary(&SPECIAL, |pair| &pair.1)? })
    }

    fn tokens(&self, vocabulary: &Vocabulary, text: &str) -> Result<Vec<usize>, String> {
        let text = text.to_lowercase();
        match vocabulary.encode(self.unit.split(&text)) {
            Ok(tokens) if tokens.is_empty() => Err("there is nothing to translate".to_string()),
            tokens => tokens.map_err(|e| format!("{text:?}: {e}")),
        }
    }

    /// The tokens of a sentence to translate.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<usize>, String> {
        self.tokens(&self.source, text)
    }

    pub(crate) fn pairs(&self, sentences: &Sentences) -> Result<Vec<Pair>, String> {
        let pair = |(source, target): &(String, String)| {
            let target = [self.tokens(&self.target, target)?, vec![END]].concat();
            Ok(Pair { source: self.encode(source)?, target })
        };
        sentences.iter().map(pair).collect()
    }

    /// The token of unknown words of the target, which no translation should contain.
    pub(crate) fn unknown(&self) -> Option<usize> {
        self.target.special_token_id(SpecialToken::Unk)
    }

    /// A translation as text.
    pub(crate) fn decode(&self, tokens: &[usize]) -> String {
        self.unit.join(self.target.decode(tokens))
    }
}

/// Pairs side by side, padded to the longest of them.
pub(crate) struct Batch {
    /// `[S, B]`.
    pub(crate) sources: Padded<Indices>,
    /// The inputs of the decoder, `[T, B]`: the targets one step later, after `BEGIN`.
    pub(crate) inputs: Indices,
    /// `[T, B]`.
    pub(crate) targets: Indices,
    /// The number of target tokens.
    pub(crate) tokens: usize,
}

impl Batch {
    pub(crate) fn new(pairs: &[&Pair]) -> Batch {
        let side_by_side = |tokens: fn(&Pair) -> Vec<usize>| {
            let sequences: Vec<Vec<usize>> = pairs.iter().map(|&pair| tokens(pair)).collect();
            pad_tokens(&sequences, PADDING).expect("a batch has pairs")
        };
        let sources = side_by_side(|pair| pair.source.clone());
        let inputs = side_by_side(|pair| [&[BEGIN], &pair.target[..pair.target.len() - 1]].concat()).x;
        let Padded { x: targets, lengths } = side_by_side(|pair| pair.target.clone());
        Batch { sources, inputs, targets, tokens: lengths.iter().sum() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_or_unknown_and_inputs_are_the_targets_one_step_later() {
        let train = [("Go on.", "Va !"), ("Go.", "Va.")].map(|(a, b)| (a.to_string(), b.to_string())).to_vec();
        let words = Languages::new(Unit::Words, 2, &train).unwrap();
        assert_eq!((words.source.tokens(), words.target.len()), (&["<unk>", ".", "go"].map(String::from)[..], 5));
        let pairs = words.pairs(&train).unwrap();
        let batch = Batch::new(&[&pairs[1], &pairs[0]]);
        assert_eq!((batch.sources.x.as_slice(), &batch.sources.lengths[..]), (&[2, 2, 1, 0, 0, 1][..], &[2, 3][..]));
        assert_eq!(batch.inputs.as_slice(), [BEGIN, BEGIN, 4, 4, 3, 3]);
        assert_eq!((batch.targets.as_slice(), batch.tokens), (&[4, 4, 3, 3, END, END][..], 6));
    }
}
