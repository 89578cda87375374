//! Tokens and their IDs.

use crate::data::error::DataError;
use crate::messages::quoted;
#[cfg(feature = "safetensors")]
use crate::messages::shortened;
use std::collections::HashMap;
use std::fmt;
use unspool_autograd::{Scalar, Tensor};

/// A token that does not come from a text but has a meaning for the model.
///
/// ```
/// use unspool::text::{SpecialToken, Vocabulary};
/// let vocabulary = Vocabulary::new(["a", "b"], 1, [SpecialToken::Pad, SpecialToken::Unk])?;
/// assert_eq!(vocabulary.encode(["b", "z"])?, [3, 1]);             // z is <unk>
/// assert_eq!(SpecialToken::Unk.text(), "<unk>");
/// # Ok::<(), unspool::data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum SpecialToken {
    /// `<pad>`: pads short sequences.
    Pad,
    /// `<unk>`: stands for every token that is not in the vocabulary.
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

/// The tokens that a model knows, with IDs from 0: first the special tokens, in the given order,
/// then the others by descending frequency, and among equally frequent ones in the order of their
/// characters.
///
/// ```
/// use unspool::text::{SpecialToken, Vocabulary};
/// let text = "a rose is a rose is";
/// let vocabulary = Vocabulary::new(text.split(' '), 2, [SpecialToken::Unk, SpecialToken::Eos])?;
/// assert_eq!(vocabulary.tokens(), ["<unk>", "<eos>", "a", "is", "rose"]);
/// assert_eq!(vocabulary.encode("a tulip is".split(' '))?, [2, 0, 3]);
/// assert_eq!(vocabulary.decode(&[2, 4]), ["a", "rose"]);
/// assert_eq!(vocabulary.special_token_id(SpecialToken::Eos), Some(1));
/// # Ok::<(), unspool::data::DataError>(())
/// ```
///
/// To save it with a model (feature `safetensors`), put it into the checkpoint as text:
/// `checkpoint.put_text("vocabulary", &vocabulary.to_json())`. With the feature `serde`, it is the list
/// of its tokens in any format.
#[derive(Clone)]
pub struct Vocabulary {
    tokens: Vec<String>,
    ids: HashMap<String, usize>,
}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: Vec<_> = self.tokens.iter().take(SHOWN).collect();
        f.debug_struct("Vocabulary").field("len", &self.len()).field("first", &first).finish()
    }
}

/// Of a vocabulary, as many tokens are printed for debugging.
const SHOWN: usize = 8;

impl Vocabulary {
    /// The vocabulary of the tokens that occur at least `minimum_count` times in a text. A token
    /// with the text of one of the `special` tokens is that special token.
    ///
    /// # Errors
    /// If no token is frequent enough.
    pub fn new<'a>(
        tokens: impl IntoIterator<Item = &'a str>,
        minimum_count: usize,
        special: impl IntoIterator<Item = SpecialToken>,
    ) -> Result<Self, DataError> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for token in tokens {
            *counts.entry(token).or_default() += 1;
        }
        let special: Vec<&str> = special.into_iter().map(SpecialToken::text).collect();
        let mut frequent: Vec<(&str, usize)> = counts.iter().map(|(&token, &count)| (token, count)).collect();
        frequent.retain(|(token, count)| *count >= minimum_count && !special.contains(token));
        if frequent.is_empty() {
            return Err(DataError::new(match counts.len() {
                0 => "a text without tokens has no vocabulary".to_string(),
                n => format!("none of {n} different tokens occurs {minimum_count} times or more"),
            }));
        }
        frequent.sort_by(|(a, m), (b, n)| n.cmp(m).then(a.cmp(b)));
        Self::from_tokens(special.into_iter().chain(frequent.into_iter().map(|(token, _)| token)).map(str::to_string))
    }

    /// The vocabulary of these tokens, in this order.
    ///
    /// # Errors
    /// If there are none, or one appears twice.
    pub fn from_tokens(tokens: impl IntoIterator<Item = String>) -> Result<Self, DataError> {
        let tokens: Vec<String> = tokens.into_iter().collect();
        if tokens.is_empty() {
            return Err(DataError::new("a vocabulary needs at least one token".to_string()));
        }
        let mut ids = HashMap::with_capacity(tokens.len());
        for (id, token) in tokens.iter().enumerate() {
            if let Some(first) = ids.insert(token.clone(), id) {
                return Err(DataError::new(format!(
                    "tokens {first} and {id} of the vocabulary are both {}",
                    quoted(token)
                )));
            }
        }
        Ok(Vocabulary { tokens, ids })
    }

    /// The number of tokens, including special tokens: a model needs as many scores.
    #[expect(clippy::len_without_is_empty, reason = "a vocabulary is never empty")]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The tokens, indexed by ID.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// The ID of a token, if the vocabulary has it.
    pub fn id(&self, token: &str) -> Option<usize> {
        self.ids.get(token).copied()
    }

    /// The ID of a special token, if the vocabulary has it.
    pub fn special_token_id(&self, token: SpecialToken) -> Option<usize> {
        self.id(token.text())
    }

    /// The IDs of tokens. A token that is not in the vocabulary gets the ID of
    /// [`SpecialToken::Unk`].
    ///
    /// # Errors
    /// If the vocabulary has neither a token nor `Unk`.
    pub fn encode<'a>(&self, tokens: impl IntoIterator<Item = &'a str>) -> Result<Vec<usize>, DataError> {
        let unknown = self.special_token_id(SpecialToken::Unk);
        tokens.into_iter().map(|token| self.id(token).or(unknown).ok_or_else(|| self.lacks(token))).collect()
    }

    /// The same, but without `Unk`: every token must be in the vocabulary, such as those of a
    /// prompt.
    ///
    /// ```
    /// use unspool::text::{SpecialToken, Vocabulary, characters};
    /// let vocabulary = Vocabulary::new(characters("to be"), 1, [SpecialToken::Unk])?;
    /// let sentence = vocabulary.encode_known(characters("tübe")).unwrap_err().to_string();
    /// assert_eq!(sentence, "\"ü\" is not among the 6 tokens of the vocabulary");
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If one is not in the vocabulary.
    pub fn encode_known<'a>(&self, tokens: impl IntoIterator<Item = &'a str>) -> Result<Vec<usize>, DataError> {
        tokens.into_iter().map(|token| self.id(token).ok_or_else(|| self.lacks(token))).collect()
    }

    fn lacks(&self, token: &str) -> DataError {
        DataError::new(format!("{} is not among the {} tokens of the vocabulary", quoted(token), self.len()))
    }

    /// The tokens of these IDs. `concat()` joins characters into a text, and
    /// [`join_words`](super::join_words) words.
    ///
    /// # Panics
    /// If an ID is not one of a token.
    #[track_caller]
    pub fn decode(&self, ids: &[usize]) -> Vec<&str> {
        let n = self.len();
        if let Some(id) = ids.iter().find(|&&id| id >= n) {
            fail!("decode: there is no token {id} among {n}, counted from 0");
        }
        ids.iter().map(|&id| self.tokens[id].as_str()).collect()
    }

    /// The `k` most probable tokens and their probabilities, the most probable first; all of them
    /// if there are fewer. `scores` are those of one row, `[V]` or `[1, V]`, before the softmax;
    /// logarithms of probabilities are such scores.
    ///
    /// ```
    /// use unspool::Tensor;
    /// use unspool::text::Vocabulary;
    /// let vocabulary = Vocabulary::from_tokens(["cat", "dog", "owl"].map(String::from))?;
    /// let scores = Tensor::<f32>::from_vec(vec![0.0, 1.0, 0.0], [1, 3]);
    /// let [(token, probability), _] = vocabulary.top_k(&scores, 2)[..] else { unreachable!() };
    /// assert_eq!((token, (100.0 * probability).round()), ("dog", 58.0));
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    ///
    /// # Panics
    /// If there is not one score for each token.
    #[track_caller]
    pub fn top_k<T: Scalar>(&self, scores: &Tensor<T>, k: usize) -> Vec<(&str, f64)> {
        let (n, shape) = (self.len(), scores.shape());
        ensure!(scores.numel() == n, "top_k: scores {shape} are not one for each of {n} tokens");
        let scores = scores.cast::<f64>().reshape([n]);
        let best = scores.argtopk(0, k.min(n));
        let scores = scores.to_vec();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weight = |score: f64| (score - largest).exp();
        let total: f64 = scores.iter().map(|&score| weight(score)).sum();
        best.as_slice().iter().map(|&id| (&self.tokens[id][..], weight(scores[id]) / total)).collect()
    }

    /// Checks that the vocabulary fits a model with `classes` scores (or embedding vectors): one
    /// from another file may not.
    ///
    /// ```
    /// use unspool::text::{Vocabulary, characters};
    /// let vocabulary = Vocabulary::new(characters("abc"), 1, [])?;
    /// assert_eq!(
    ///     vocabulary.fits(65).unwrap_err().to_string(),
    ///     "the vocabulary has 3 tokens and the model is for 65: it must be the one that the model was trained with"
    /// );
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If it has a different number of tokens.
    pub fn fits(&self, classes: usize) -> Result<(), DataError> {
        match self.len() {
            n if n == classes => Ok(()),
            n => Err(DataError::mismatch(format!(
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
    /// use unspool::text::Vocabulary;
    /// let vocabulary = Vocabulary::from_json(r#"["<unk>", "\n", "\"", "\u00e9"]"#)?;
    /// assert_eq!(vocabulary.tokens(), ["<unk>", "\n", "\"", "é"]);
    /// assert_eq!(vocabulary.to_json(), r#"["<unk>","\n","\"","é"]"#);
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If it is anything else, or a token appears twice.
    #[cfg(feature = "safetensors")]
    pub fn from_json(text: &str) -> Result<Self, DataError> {
        let tokens: Vec<String> = serde_json::from_str(text).map_err(|e| {
            DataError::new(format!("a vocabulary is a JSON array of strings, and this is not: {}", shortened(e)))
        })?;
        Self::from_tokens(tokens)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Vocabulary {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.tokens.serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Vocabulary {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tokens = Vec::deserialize(deserializer)?;
        Vocabulary::from_tokens(tokens).map_err(serde::de::Error::custom)
    }
}
