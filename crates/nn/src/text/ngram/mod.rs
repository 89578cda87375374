//! N-gram language models: they predict the next token from the n - 1 tokens before it, by
//! counting.
//!
//! The *context* is the tokens before; `c(..)` is how often a sequence of tokens occurs in the
//! training text; `V` is the size of the vocabulary.
//!
//! ```
//! use unspool::text::ngram::{NgramCounts, NgramModel, Smoothing};
//! use unspool::text::{Vocabulary, characters, perplexity};
//! let text = "the cat sat on the mat, the rat sat on the cat";
//! let vocabulary = Vocabulary::new(characters(text), 1, [])?;
//! let encode = |text| vocabulary.encode(characters(text));
//!
//! let counts = NgramCounts::new(&encode(text)?, 3, vocabulary.len());
//! let model = NgramModel::new(&counts, 3, Smoothing::KneserNey);
//! assert!(model.probability(&encode("th")?, encode("e")?[0]) > 0.8);
//! assert!(perplexity(model.cross_entropy(&encode("the rat sat on the mat")?)) < 5.0);
//! # Ok::<(), unspool::data::DataError>(())
//! ```

mod counts;
mod kneser_ney;
mod model;

pub use counts::NgramCounts;
pub use model::{NgramModel, Smoothing};
