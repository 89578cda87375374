//! Tokens and their numbers.

use crate::data::error::DataError;
use crate::sentence::quoted;
#[cfg(feature = "safetensors")]
use crate::sentence::shortened;
use std::collections::HashMap;

/// A token that stands in no text and means something to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpecialToken {
    /// `<pad>`: fills up what is too short.
    Pad,
    /// `<unk>`: stands for every token that the vocabulary has not.
    Unk,
    /// `<bos>`: comes before the first token.
    Bos,
    /// `<eos>`: comes after the last token.
    Eos,
}

impl SpecialToken {
    /// The text of this token.
    pub fn text(self) -> &'static str {
        match self {
            SpecialToken::Pad => "<pad>",
            SpecialToken::Unk => "<unk>",
            SpecialToken::Bos => "<bos>",
            SpecialToken::Eos => "<eos>",
        }
    }
}

/// The tokens that a model knows, numbered from 0: first the marks, in the order they are asked for, then the others, frequent
/// ones first, those of one frequency in the order of their characters.
///
/// ```
/// use unspool_nn::text::{SpecialToken, Vocabulary};
/// let text = "a rose is a rose is";
/// let vocabulary = Vocabulary::new(text.split(' '), 2, [SpecialToken::Unk, SpecialToken::Eos])?;
/// assert_eq!(vocabulary.tokens(), ["<unk>", "<eos>", "a", "is", "rose"]);
/// assert_eq!(vocabulary.encode("a tulip is".split(' '))?, [2, 0, 3]);
/// assert_eq!(vocabulary.decode(&[2, 4]), ["a", "rose"]);
/// assert_eq!(vocabulary.mark(SpecialToken::Eos), Some(1));
/// # Ok::<(), unspool_nn::data::DataError>(())
/// ```
///
/// With a model it is saved as text (feature `safetensors`): `checkpoint.put_text("vocabulary", &vocabulary.to_json())`.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    tokens: Vec<String>,
    ids: HashMap<String, usize>,
}

impl Vocabulary {
    /// The vocabulary of a text's tokens: of those that stand in it `minimum_count` times or more. Tokens with the text of
    /// one of the `marks` are that mark.
    ///
    /// # Errors
    /// If no token is frequent enough.
    pub fn new<'a>(
        tokens: impl IntoIterator<Item = &'a str>,
        minimum_count: usize,
        marks: impl IntoIterator<Item = SpecialToken>,
    ) -> Result<Self, DataError> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for token in tokens {
            *counts.entry(token).or_default() += 1;
        }
        let marks: Vec<&str> = marks.into_iter().map(SpecialToken::text).collect();
        let mut frequent: Vec<(&str, usize)> = counts.iter().map(|(&token, &count)| (token, count)).collect();
        frequent.retain(|(token, count)| *count >= minimum_count && !marks.contains(token));
        if frequent.is_empty() {
            return Err(DataError(match counts.len() {
                0 => "a text without a token has no vocabulary".to_string(),
                n => format!("none of {n} different tokens stands in the text {minimum_count} times or more"),
            }));
        }
        frequent.sort_by(|(a, m), (b, n)| n.cmp(m).then(a.cmp(b)));
        Self::from_tokens(marks.into_iter().chain(frequent.into_iter().map(|(token, _)| token)).map(str::to_string))
    }

    /// The vocabulary of these tokens, in this order.
    ///
    /// # Errors
    /// If there is none, or one stands twice.
    pub fn from_tokens(tokens: impl IntoIterator<Item = String>) -> Result<Self, DataError> {
        let tokens: Vec<String> = tokens.into_iter().collect();
        if tokens.is_empty() {
            return Err(DataError("a vocabulary needs at least one token".to_string()));
        }
        let mut ids = HashMap::with_capacity(tokens.len());
        for (id, token) in tokens.iter().enumerate() {
            if let Some(first) = ids.insert(token.clone(), id) {
                return Err(DataError(format!("tokens {first} and {id} of the vocabulary are both {}", quoted(token))));
            }
        }
        Ok(Vocabulary { tokens, ids })
    }

    /// The number of tokens, marks included: what the scores of a model must be as many as.
    #[expect(clippy::len_without_is_empty, reason = "a vocabulary is never empty")]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The tokens by their numbers.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// The number of a token, if the vocabulary has it.
    pub fn id(&self, token: &str) -> Option<usize> {
        self.ids.get(token).copied()
    }

    /// The number of a mark, if the vocabulary has it.
    pub fn mark(&self, mark: SpecialToken) -> Option<usize> {
        self.id(mark.text())
    }

    /// The numbers of tokens; [`SpecialToken::Unk`]'s for those that the vocabulary has not.
    ///
    /// # Errors
    /// If the vocabulary has neither a token nor that mark.
    pub fn encode<'a>(&self, tokens: impl IntoIterator<Item = &'a str>) -> Result<Vec<usize>, DataError> {
        let unknown = self.mark(SpecialToken::Unk);
        tokens.into_iter().map(|token| self.id(token).or(unknown).ok_or_else(|| self.lacks(token))).collect()
    }

    /// The same, where every token must be one of the vocabulary: a prompt, say.
    ///
    /// ```
    /// use unspool_nn::text::{SpecialToken, Vocabulary, characters};
    /// let vocabulary = Vocabulary::new(characters("to be"), 1, [SpecialToken::Unk])?;
    /// let sentence = vocabulary.encode_known(characters("tübe")).unwrap_err().to_string();
    /// assert_eq!(sentence, "\"ü\" is not among the 6 tokens of the vocabulary");
    /// # Ok::<(), unspool_nn::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If one is not.
    pub fn encode_known<'a>(&self, tokens: impl IntoIterator<Item = &'a str>) -> Result<Vec<usize>, DataError> {
        tokens.into_iter().map(|token| self.id(token).ok_or_else(|| self.lacks(token))).collect()
    }

    fn lacks(&self, token: &str) -> DataError {
        DataError(format!("{} is not among the {} tokens of the vocabulary", quoted(token), self.len()))
    }

    /// The tokens of these numbers: `concat()` makes a text of characters, [`join_words`](super::join_words) one of words.
    ///
    /// # Panics
    /// If a number is none of a token.
    #[track_caller]
    pub fn decode(&self, ids: &[usize]) -> Vec<&str> {
        let n = self.len();
        if let Some(id) = ids.iter().find(|&&id| id >= n) {
            panic!("decode: there is no token {id} among {n}, counted from 0");
        }
        ids.iter().map(|&id| self.tokens[id].as_str()).collect()
    }

    /// Says whether this is a vocabulary for a model with `classes` scores (or vectors): one from another file may not be.
    ///
    /// ```
    /// use unspool_nn::text::{Vocabulary, characters};
    /// let vocabulary = Vocabulary::new(characters("abc"), 1, [])?;
    /// assert_eq!(
    ///     vocabulary.fits(65).unwrap_err().to_string(),
    ///     "the vocabulary has 3 tokens and the model is for 65: it must be the one that the model was trained with"
    /// );
    /// # Ok::<(), unspool_nn::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If it has another number of tokens.
    pub fn fits(&self, classes: usize) -> Result<(), DataError> {
        match self.len() {
            n if n == classes => Ok(()),
            n => Err(DataError(format!(
                "the vocabulary has {n} tokens and the model is for {classes}: it must be the one that the model was \
                 trained with"
            ))),
        }
    }

    /// The tokens as a JSON array of strings.
    #[cfg(feature = "safetensors")]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.tokens).expect("strings are JSON")
    }

    /// The vocabulary of a JSON array of strings, as [`to_json`](Vocabulary::to_json) writes it.
    ///
    /// ```
    /// use unspool_nn::text::Vocabulary;
    /// let vocabulary = Vocabulary::from_json(r#"["<unk>", "\n", "\"", "\u00e9"]"#)?;
    /// assert_eq!(vocabulary.tokens(), ["<unk>", "\n", "\"", "é"]);
    /// assert_eq!(vocabulary.to_json(), r#"["<unk>","\n","\"","é"]"#);
    /// # Ok::<(), unspool_nn::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If it is something else, or a token stands twice.
    #[cfg(feature = "safetensors")]
    pub fn from_json(text: &str) -> Result<Self, DataError> {
        let tokens: Vec<String> = serde_json::from_str(text).map_err(|e| {
            DataError(format!("a vocabulary is a JSON array of strings, and this is not: {}", shortened(e)))
        })?;
        Self::from_tokens(tokens)
    }
}
