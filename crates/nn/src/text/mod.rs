//! Language models, and text for them: splitting, vocabularies, batches of tokens, perplexity,
//! n-grams, generation, beam search.
//!
//! A text is split into tokens: [`characters`], words (`words`, with the feature `unicode`, or
//! [`whitespace_words`] for a text that was tokenized before), or any other strings. A
//! [`Vocabulary`] maps tokens to IDs. The IDs go into a model as [`bptt_batches`] or
//! [`token_windows`], or into [`ngram`] counts. [`TruncatedBptt`] trains a [`LanguageModel`], and a
//! [`Generator`] continues a text with it. [`beam_search`] finds the most probable output sequences
//! of a decoder.
//!
//! [`TruncatedBptt`]: crate::train::TruncatedBptt
//!
//! ```
//! use unspool::text::{Vocabulary, bptt_batches, characters};
//! let text = "the cat sat on the mat";
//! let vocabulary = Vocabulary::new(characters(text), 1, [])?;
//! let tokens = vocabulary.encode(characters(text))?;
//! for batch in bptt_batches(&tokens, 2, 5)? {
//!     assert_eq!(batch.inputs.shape()[..], [5, 2]);            // [T, B]; the targets are one token ahead
//! }
//! assert_eq!(vocabulary.decode(&tokens).concat(), text);
//! # Ok::<(), unspool::data::DataError>(())
//! ```

mod beam_search;
mod bptt_batches;
mod generator;
mod language_model;
pub mod ngram;
mod perplexity;
mod read_text;
mod sampler;
mod token_windows;
mod tokenize;
mod vocabulary;

pub use beam_search::{BeamSearch, Hypothesis, beam_search};
pub use bptt_batches::{BpttBatch, BpttBatches, bptt_batches};
pub use generator::Generator;
pub use language_model::{LanguageModel, LanguageModelOutput};
pub use perplexity::{bits_per_token, perplexity};
pub use read_text::read_text;
pub use sampler::Sampler;
pub use token_windows::token_windows;
#[cfg(feature = "unicode")]
pub use tokenize::words;
pub use tokenize::{characters, join_words, whitespace_words};
pub use vocabulary::{SpecialToken, Vocabulary};
