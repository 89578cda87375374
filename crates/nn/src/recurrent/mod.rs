//! Recurrent layers: a [`Cell`] computes one step, [`Recurrent`] unrolls it over a sequence
//! `[T, B, F]`.
//!
//! # Design patterns
//!
//! | pattern | how |
//! |---|---|
//! | sequence to vector | [`last`](SequenceOutput::last) of a recurrent layer |
//! | vector to sequence | [`expand`](unspool_autograd::Var::expand) the vector over time, or [`decode`](Recurrent::decode) from it |
//! | sequence to sequence | [`sequence`](SequenceOutput::sequence), then a [`Dense`] layer, which takes `[T, B, H]` as is |
//! | encoder-decoder | [`decode`](Recurrent::decode) from the encoder's [`state`](SequenceOutput::state), with [`attention`] or [`scaled_dot_product_attention`] over its outputs, and [`beam_search`] to generate |
//! | masked steps | [`Context::with_mask`] and [`attention_masked`]; for padding tokens [`Embedding::padding`] and [`Embedding::mask`] |
//! | long sequences | gradient [`Checkpointing`] of a layer; [`Context::without_sequence`](crate::Context::without_sequence) if the last output is all that is read; [`Cell::unroll`] for cells that are linear in their state |
//! | tied weights | use a field twice: `h.matmul(net.words.weight.t())` scores the next word |
//!
//! ```
//! use unspool::prelude::*;
//! let rng = &mut rng(0);
//! let encoder = Recurrent::new(Gru::<Tensor>::new(rng, 3, 8));
//! let decoder = Recurrent::new(Gru::<Tensor>::new(rng, 8, 8));
//! let words = Embedding::<Tensor>::new(rng, 50, 8);
//! let tape = Tape::new();
//! let (encoder, decoder, words) = (tape.bind(&encoder), tape.bind(&decoder), tape.bind(&words));
//! let encoded = encoder.forward(tape.constant(&Tensor::ones([20, 4, 3])));
//!
//! // Sequence to vector: [4, 8].
//! let vector = encoded.last();
//!
//! // Vector to sequence: [10, 4, 8].
//! let repeated = vector.unsqueeze(0).expand([10, 4, 8]);
//! assert_eq!(decoder.forward(repeated).sequence().shape()[..], [10, 4, 8]);
//!
//! // Encoder-decoder, running freely, with the weights of the embedding as those of the scores.
//! let head = words.weight.t();
//! let start = words.forward([0; 4]);
//! let generated = decoder.decode(start, encoded.state(), 10, Mode::Evaluation, |_, h| {
//!     words.forward(h.matmul(head).argmax(1))
//! });
//! assert_eq!(generated.sequence().matmul(head).shape()[..], [10, 4, 50]);
//! ```
//!
//! # A complete encoder-decoder
//!
//! It attends to the source before each word, uses less and less teacher forcing, and scores words
//! with their own embeddings.
//!
//! ```
//! use unspool::layers::{AdditiveAttention, attention};
//! use unspool::prelude::*;
//!
//! #[derive(Params)]
//! struct Translator<P> {
//!     words: Embedding<P>,
//!     encoder: Recurrent<Gru<P>>,
//!     decoder: Recurrent<Gru<P>>,
//!     attention: AdditiveAttention<P>,
//!     head: Dense<P>,
//! }
//!
//! /// A batch of two sentences.
//! struct Batch {
//!     source: Indices,
//!     lengths: [usize; 2],
//!     target: [[usize; 2]; 4],
//! }
//!
//! impl<'t> Translator<Var<'t>> {
//!     /// The scores of each word, `[T, B, words]`; `forced` is the teacher forcing ratio.
//!     fn translate(&self, batch: &Batch, forced: f64, mode: Mode) -> Var<'t> {
//!         let words = self.words.forward(&batch.source);
//!         let encoder = self.encoder.apply(words, Context::from(mode).with_lengths(&batch.lengths));
//!         let (encoded, keys) = (encoder.sequence(), self.attention.keys(encoder.sequence()));
//!         let scores = |h: Var<'t>| self.head.forward(h).matmul(self.words.weight.t());
//!         let input = |word: Indices, h| {
//!             let scores = self.attention.scores(h, keys);
//!             let attended = attention(scores, encoded, Some(&batch.lengths));
//!             Var::concat(1, &[self.words.forward(word), attended.context])
//!         };
//!         let (state, target) = (encoder.state(), &batch.target);
//!         let start = input([0; 2].into(), state);
//!         let decoded = self.decoder.decode(start, state, target.len(), mode, |t, h| {
//!             let forced = mode.fold_in(t).bernoulli(forced);
//!             input(if forced { target[t].into() } else { scores(h).argmax(1) }, h)
//!         });
//!         scores(decoded.sequence())
//!     }
//! }
//!
//! let rng = &mut rng(0);
//! let mut model = Translator::<Tensor> {
//!     words: Embedding::new(rng, 30, 8),
//!     encoder: Recurrent::new(Gru::new(rng, 8, 16)),
//!     decoder: Recurrent::new(Gru::new(rng, 8 + 16, 16)),
//!     attention: AdditiveAttention::new(rng, 16, 16, 10),
//!     head: Dense::new(rng, 16, 8),
//! };
//! let batch = Batch {
//!     source: Indices::from_vec(vec![4, 7, 9, 2, 5, 0], [3, 2]),
//!     lengths: [3, 2],
//!     target: [[5, 2], [9, 7], [4, 1], [1, 1]],
//! };
//! let (mut tape, mut adam) = (Tape::new(), Adam::default().learning_rate(1e-2));
//! let epochs = 100;
//! for epoch in 0..epochs {
//!     let net = tape.bind(&model);
//!     let forced = 1.0 - epoch as f64 / epochs as f64;
//!     let scores = net.translate(&batch, forced, Mode::Training { seed: epoch });
//!     let target = Indices::from_vec(batch.target.concat(), [4, 2]);
//!     let gradients = CrossEntropy::default().classes(scores, target).backward().of(&net);
//!     tape.reset();
//!     adam.step(&mut model, &gradients);
//! }
//! let scores = tape.bind_frozen(&model).translate(&batch, 0.0, Mode::Evaluation);
//! assert_eq!(scores.argmax(2).as_slice(), batch.target.concat()); // learned by heart
//! ```
//!
//! [`Context::with_mask`]: crate::Context::with_mask
//! [`Dense`]: crate::layers::Dense
//! [`attention`]: crate::layers::attention()
//! [`attention_masked`]: crate::layers::attention_masked
//! [`scaled_dot_product_attention`]: crate::layers::scaled_dot_product_attention
//! [`beam_search`]: crate::text::beam_search()
//! [`Embedding::padding`]: crate::layers::Embedding::padding
//! [`Embedding::mask`]: crate::layers::Embedding::mask

// How a sequence flows through these files, and what must stay true: README.md beside this file.

pub(crate) mod bidirectional;
pub(crate) mod cell;
pub(crate) mod checkpointing;
mod collected;
pub(crate) mod decode;
pub(crate) mod detached;
pub(crate) mod layer;
pub(crate) mod notes;
pub(crate) mod output;
pub(crate) mod packing;
pub(crate) mod run;
mod schedule;
pub(crate) mod sequence_layer;
pub(crate) mod stack;
pub(crate) mod state;
pub(crate) mod step;
pub(crate) mod streaming;
pub mod wrappers;

pub use bidirectional::{Bidirectional, BidirectionalOutput, Merge};
pub use cell::{Cell, StepContext, Unrolled};
pub use checkpointing::Checkpointing;
pub use detached::DetachedState;
pub use layer::{Recurrent, RecurrentBuilder, recurrent};
pub use output::RecurrentOutput;
pub use sequence_layer::{SequenceLayer, SequenceOutput};
pub use stack::{Stack, StackOutput};
pub use state::State;
pub use streaming::StreamingCell;
/// Derives `State` for a struct that is generic in its leaf, `P`, where `P` is a variable.
///
/// ```
/// use unspool::{State, Tape, Tensor, Var};
///
/// #[derive(Clone, Copy, State)]
/// struct Averages<P> { fast: P, slow: P }
///
/// let tape = Tape::new();
/// let h: Var<'_, f32> = tape.constant(&Tensor::ones([4, 8]));
/// let carried: Averages<Tensor> = Averages { fast: h, slow: h * 0.5 }.detached(); // to the next window
/// assert_eq!(carried.slow.at([0, 0]), 0.5);
/// ```
pub use unspool_derive::State;
