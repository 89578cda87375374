//! Sentences as token ids, and batches of them.

use std::ops::Range;
use unspool::Indices;
use unspool::data::DataError;
use unspool::text::{SpecialToken, Vocabulary, characters, join_words, whitespace_words, words};

/// Sentences, each with its translation.
pub(crate) type Sentences = Vec<(String, String)>;

/// What a text is split into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Characters,
    Words,
    /// Words of a text that was tokenized before, between spaces.
    Tokenized,
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::Characters => "characters",
            Unit::Words => "words",
            Unit::Tokenized => "tokenized words",
        }
    }

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
}

/// A sentence and its translation, in tokens.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) source: Vec<usize>,
    /// With its end, without a beginning.
    pub(crate) target: Vec<usize>,
}

/// The two vocabularies.
#[derive(Clone, Debug)]
pub(crate) struct Languages {
    pub(crate) unit: Unit,
    pub(crate) source: Vocabulary,
    pub(crate) target: Vocabulary,
}

/// The IDs of the special tokens, the first ones of the target's vocabulary.
pub(crate) const PADDING: usize = 0;
pub(crate) const BEGIN: usize = 1;
pub(crate) const END: usize = 2;

impl Languages {
    /// Those of sentences to learn from. Rare words are one token; a character that was never seen
    /// is a mistake.
    pub(crate) fn new(unit: Unit, minimum_count: usize, train: &Sentences) -> Result<Self, DataError> {
        let unknown = (unit != Unit::Characters).then_some(SpecialToken::Unk);
        let (source, target): (Vec<_>, Vec<_>) =
            train.iter().map(|(source, target)| (source.to_lowercase(), target.to_lowercase())).unzip();
        let split = |texts: &[String]| texts.iter().flat_map(|text| unit.split(text)).map(str::to_string).collect();
        let [source, target]: [Vec<String>; 2] = [split(&source), split(&target)];
        let special = [SpecialToken::Pad, SpecialToken::Bos, SpecialToken::Eos].into_iter().chain(unknown);
        Ok(Languages {
            unit,
            source: Vocabulary::new(source.iter().map(String::as_str), minimum_count, unknown)?,
            target: Vocabulary::new(target.iter().map(String::as_str), minimum_count, special)?,
        })
    }

    /// The tokens of a sentence to translate.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<usize>, String> {
        let text = text.to_lowercase();
        let tokens = self.source.encode(self.unit.split(&text)).map_err(|e| format!("{text:?}: {e}"))?;
        if tokens.is_empty() { Err("there is nothing to translate".to_string()) } else { Ok(tokens) }
    }

    pub(crate) fn pairs(&self, sentences: &Sentences) -> Result<Vec<Pair>, String> {
        let pair = |(source, target): &(String, String)| {
            let text = target.to_lowercase();
            let mut target = self.target.encode(self.unit.split(&text)).map_err(|e| format!("{text:?}: {e}"))?;
            target.push(END);
            Ok(Pair { source: self.encode(source)?, target })
        };
        sentences.iter().map(pair).collect()
    }

    /// A text as one of these languages would be said: lower-cased, and split and joined.
    pub(crate) fn plain(&self, text: &str) -> String {
        self.unit.join(self.unit.split(&text.to_lowercase()))
    }

    /// The token that stands for unknown words of the target, and that no translation should have.
    pub(crate) fn unknown(&self) -> Option<usize> {
        self.target.special_token_id(SpecialToken::Unk)
    }

    /// A translation as text.
    pub(crate) fn say(&self, tokens: &[usize]) -> String {
        self.unit.join(self.target.decode(tokens))
    }
}

/// Pairs side by side, padded behind.
pub(crate) struct Batch {
    /// `[S, B]`.
    pub(crate) sources: Indices,
    pub(crate) lengths: Vec<usize>,
    /// The decoder's inputs and targets, both `[T, B]`.
    pub(crate) inputs: Indices,
    pub(crate) targets: Indices,
    /// The number of tokens it shall say.
    pub(crate) tokens: usize,
}

impl Batch {
    pub(crate) fn new<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> Batch {
        let pairs: Vec<&Pair> = pairs.into_iter().collect();
        let column = |tokens: fn(&Pair) -> &[usize]| pairs.iter().map(|&pair| tokens(pair)).collect::<Vec<_>>();
        let (sources, targets) = (column(|pair| &pair.source), column(|pair| &pair.target));
        let begin = |t: usize, target: &[usize]| if t == 0 { BEGIN } else { at(target, t - 1) };
        let longest = |rows: &[&[usize]]| 0..rows.iter().map(|row| row.len()).max().unwrap_or(0);
        Batch {
            lengths: sources.iter().map(|source| source.len()).collect(),
            inputs: side_by_side(&targets, longest(&targets), begin),
            tokens: targets.iter().map(|target| target.len()).sum(),
            targets: side_by_side(&targets, longest(&targets), |t, target| at(target, t)),
            sources: side_by_side(&sources, longest(&sources), |t, source| at(source, t)),
        }
    }
}

fn at(tokens: &[usize], t: usize) -> usize {
    tokens.get(t).copied().unwrap_or(PADDING)
}

/// `[T, B]`.
fn side_by_side(rows: &[&[usize]], steps: Range<usize>, token: impl Fn(usize, &[usize]) -> usize) -> Indices {
    let shape = [steps.len(), rows.len()];
    Indices::from_vec(steps.flat_map(|t| rows.iter().map(|row| token(t, row)).collect::<Vec<_>>()).collect(), shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_padded_behind_and_told_one_token_late() {
        let pair = |source: &[usize], target: &[usize]| Pair { source: source.to_vec(), target: target.to_vec() };
        let batch = Batch::new(&[pair(&[5], &[7, 8, END]), pair(&[3, 4], &[END])]);
        assert_eq!((batch.sources.as_slice(), &batch.lengths[..]), (&[5, 3, PADDING, 4][..], &[1, 2][..]));
        assert_eq!(batch.inputs.as_slice(), [BEGIN, BEGIN, 7, END, 8, PADDING]);
        assert_eq!(batch.targets.as_slice(), [7, END, 8, PADDING, END, PADDING]);
        assert_eq!(batch.tokens, 4);
    }

    #[test]
    fn rare_words_are_unknown_and_unseen_characters_a_mistake() {
        let train = vec![("Go on.".to_string(), "Va !".to_string()), ("Go.".to_string(), "Va.".to_string())];
        let words = Languages::new(Unit::Words, 2, &train).unwrap();
        assert_eq!(words.source.tokens(), ["<unk>", ".", "go"]);
        assert_eq!(words.target.decode(&[PADDING, BEGIN, END]), ["<pad>", "<bos>", "<eos>"]);
        assert_eq!(words.encode("GO away.").unwrap(), [2, 0, 1]);
        assert_eq!(words.encode(" ").unwrap_err(), "there is nothing to translate");
        let characters = Languages::new(Unit::Characters, 1, &train).unwrap();
        let sentence = characters.encode("Né").unwrap_err();
        assert_eq!(sentence, "\"né\": \"é\" is not among the 5 tokens of the vocabulary");
    }
}
