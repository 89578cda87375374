//! Language models, and text for them: splitting, vocabularies, batches of tokens, perplexity, n-grams,
//! generation, beam search.
//!
//! A text is split into tokens, [`characters`] or words (`words`, with the feature
//! `unicode`; [`whitespace_words`] of a text that was tokenised before) or what you like; a [`Vocabulary`]
//! numbers them; the numbers go into a model in one of two ways, [`bptt_batches`] or [`token_windows`], or into
//! [`ngram`] counts. A [`LanguageModel`] is trained by [`TruncatedBptt`]; a [`Generator`] writes with it. What a
//! decoder says best, [`beam_search`] finds.
//!
//! ```
//! use unspool_nn::text::{Vocabulary, bptt_batches, characters};
//! let text = "the cat sat on the mat";
//! let vocabulary = Vocabulary::new(characters(text), 1, [])?;
//! let tokens = vocabulary.encode(characters(text))?;
//! for chunk in bptt_batches(&tokens, 2, 5)? {
//!     assert_eq!(chunk.inputs.shape()[..], [5, 2]);            // [T, B]; the targets are one token ahead
//! }
//! assert_eq!(vocabulary.decode(&tokens).concat(), text);
//! # Ok::<(), unspool_nn::data::DataError>(())
//! ```

mod beam_search;
mod bptt_batches;
mod generator;
mod language_model;
pub mod ngram;
mod perplexity;
mod read_text;
mod sampler;
mod split;
mod token_windows;
mod truncated_bptt;
mod vocabulary;

pub use beam_search::{BeamSearch, Hypothesis, beam_search};
pub use bptt_batches::{BpttBatch, BpttBatchs, bptt_batches};
pub use generator::Generator;
pub use language_model::LanguageModel;
pub use perplexity::{bits_per_token, perplexity};
pub use read_text::read_text;
pub use sampler::Sampler;
#[cfg(feature = "unicode")]
pub use split::words;
pub use split::{characters, join_words, whitespace_words};
pub use token_windows::token_windows;
pub use truncated_bptt::{BpttShard, TruncatedBptt};
pub use vocabulary::{SpecialToken, Vocabulary};
