//! Recurrent layers made of nothing but the tape's own primitives.
//!
//! A cell is a struct with a [`step`](Cell::step); [`Recurrent`] unrolls any cell over a sequence `[T, B, F]`
//! (time, batch, features), and the gradient through time is that of the tape. The built-in cells use the same
//! public door as yours.
//!
//! ```
//! use unspool_nn::{dense, fit, mse, sequential, simple_rnn, Adam, Dataset};
//! use unspool_autograd::Tensor;
//!
//! // Ten steps of 64 series, and the mean of each.
//! let x = Tensor::<f32>::from_fn([10, 64, 1], |i| (i * 37 % 101) as f32 / 101.0);
//! let y = Tensor::from_fn([64, 1], |i| x.slice(1, i..i + 1).mean().item());
//! let train = Dataset::new(x, y)?;
//!
//! let mut model = sequential()
//!     .add(simple_rnn(1, 8).return_sequences())
//!     .add(simple_rnn(8, 8))
//!     .add(dense(8, 1));
//! let history = fit(&mut model, &train).loss(mse).optimizer(Adam::default()).batch(16).epochs(3).quiet().run()?;
//! assert!(history.loss[2] < history.loss[0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same as a loop of one's own, from the pieces that [`fit`] is made of: [`Dataset::batches`], the gradients of a batch
//! in parts on several threads ([`Shards`]), an [`Optimizer`], [`evaluate`].
//!
//! ```
//! use unspool_nn::{dense, evaluate, mse, sequential, simple_rnn, Adam, Dataset, Mode, Optimizer, Shards};
//! use unspool_autograd::Tensor;
//! # let x = Tensor::<f32>::from_fn([10, 64, 1], |i| (i * 37 % 101) as f32 / 101.0);
//! # let y = Tensor::from_fn([64, 1], |i| x.slice(1, i..i + 1).mean().item());
//! # let train = Dataset::new(x, y)?;
//! let mut model = sequential().add(simple_rnn(1, 8)).add(dense(8, 1));
//! let before = evaluate(&model, &train, mse);
//! let (mut adam, mut shards) = (Adam::default().clip_norm(1.0), Shards::new());
//! for epoch in 0..3 {
//!     for (step, batch) in train.batches(16).shuffle(epoch).enumerate() {
//!         let mode = Mode::Training { seed: epoch }.part(step);
//!         let (loss, gradients) = shards.batch_gradients(&model, &batch, mse, mode);
//!         adam.step(&mut model, &gradients);
//!     }
//! }
//! assert!(evaluate(&model, &train, mse) < before);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Design patterns
//!
//! | pattern | pieces |
//! |---|---|
//! | sequence to vector | [`last`](Unrolled::last) of a recurrent layer |
//! | vector to sequence | [`expand`](unspool_autograd::Var::expand) over time, or [`feed`](Recurrent::feed) with its own outputs |
//! | sequence to sequence | [`sequence`](Unrolled::sequence), and a [`Dense`] layer at every time step: it takes `[T, B, H]` as it is |
//! | encoder-decoder | the encoder's [`state`](Unrolled::state) into the decoder's [`feed`](Recurrent::feed); [`attend`] to look back (or [`scaled_dot_product_attention`]); [`beam_search`](text::beam_search) for what it says |
//! | masked steps | [`Unroll::mask`], [`attend_masked`]; of tokens that mean nothing, [`Embedding::padding`] and [`Embedding::mask`] |
//! | tied weights | a field used twice: `h.matmul(net.words.weight.t())` as the scores of the next word |
//!
//! ```
//! use unspool_nn::{rng, Dense, Embedding, Gru, Layer, Mode, Recurrent};
//! use unspool_autograd::{Tape, Tensor};
//! let rng = &mut rng(0);
//! let encoder = Recurrent::new(Gru::<Tensor>::new(rng, 3, 8));
//! let decoder = Recurrent::new(Gru::<Tensor>::new(rng, 8, 8));
//! let words = Embedding::<Tensor>::new(rng, 50, 8);
//! let tape = Tape::new();
//! let (encoder, decoder, words) = (tape.bind(&encoder), tape.bind(&decoder), tape.bind(&words));
//! let run = encoder.forward(tape.constant(&Tensor::ones([20, 4, 3])));
//!
//! let vector = run.last();                                              // sequence to vector: [4, 8]
//! let repeated = vector.unsqueeze(0).expand([10, 4, 8]);                // vector to sequence: [10, 4, 8]
//! let head = words.weight.t();                                          // the embedding's own weights
//! let start = words.forward([0; 4]);
//! let generated = decoder.feed(start, *run.state(), 10, Mode::Evaluation, |_, h| words.forward(h.matmul(head).argmax(1)));
//! assert_eq!(generated.sequence().matmul(head).shape()[..], [10, 4, 50]); // encoder-decoder, running freely
//! assert_eq!(decoder.forward(repeated).sequence().shape()[..], [10, 4, 8]);
//! ```

//!
//! An encoder-decoder whole: it looks back with attention before each word, is forced by its teacher less and less, and
//! scores words by their own vectors.
//!
//! ```
//! use unspool_autograd::{Indices, Params, Tape, Tensor, Var};
//! use unspool_nn::{attend, rng, Adam, AdditiveAttention, CrossEntropy, Dense, Embedding, Gru};
//! use unspool_nn::{Layer, Mode, Optimizer, Recurrent};
//!
//! #[derive(Params)]
//! # #[params(crate = unspool_autograd)]
//! struct Translator<P> {
//!     words: Embedding<P>, encoder: Recurrent<Gru<P>>,
//!     decoder: Recurrent<Gru<P>>, attention: AdditiveAttention<P>, head: Dense<P>,
//! }
//!
//! impl<'t> Translator<Var<'t>> {
//!     /// The scores `[T, B, words]` of as many words as `target` has.
//!     fn translate(&self, source: &Indices, lengths: &[usize], target: &[[usize; 2]], ratio: f64, mode: Mode) -> Var<'t> {
//!         let run = self.encoder.unroll(self.words.forward(source)).lengths(lengths).run();
//!         let (encoded, keys) = (run.sequence(), self.attention.keys(run.sequence()));
//!         let look = |h| attend(self.attention.scores(h, keys), encoded, Some(lengths)).context;
//!         let scores = |h: Var<'t>| self.head.forward(h).matmul(self.words.weight.t());
//!         let input = |word: Indices, h| Var::concat(1, &[self.words.forward(word), look(h)]);
//!         let start = input([0; 2].into(), *run.state());
//!         let decoded = self.decoder.feed(start, *run.state(), target.len(), mode, |t, h| {
//!             let forced = mode.part(t).happens(ratio);
//!             input(if forced { target[t].into() } else { scores(h).argmax(1) }, h)
//!         });
//!         scores(decoded.sequence())
//!     }
//! }
//!
//! let rng = &mut rng(0);
//! let mut model = Translator::<Tensor> {
//!     words: Embedding::new(rng, 30, 8), encoder: Recurrent::new(Gru::new(rng, 8, 16)),
//!     decoder: Recurrent::new(Gru::new(rng, 8 + 16, 16)), attention: AdditiveAttention::new(rng, 16, 16, 10),
//!     head: Dense::new(rng, 16, 8),
//! };
//! let (source, lengths) = (Indices::from_vec(vec![4, 7, 9, 2, 5, 0], [3, 2]), [3, 2]);
//! let target = [[5, 2], [9, 7], [4, 1], [1, 1]];
//! let (mut tape, mut adam, mut first) = (Tape::new(), Adam::default().learning_rate(1e-2), None);
//! let epochs = 60;
//! for epoch in 0..epochs {
//!     let net = tape.bind(&model);
//!     let ratio = 1.0 - epoch as f64 / epochs as f64;
//!     let scores = net.translate(&source, &lengths, &target, ratio, Mode::Training { seed: epoch });
//!     let loss = CrossEntropy::default().classes(scores, Indices::from_vec(target.concat(), [4, 2]));
//!     let gradients = loss.backward().of(&net);
//!     first.get_or_insert(loss.item());
//!     tape.reset();
//!     adam.step(&mut model, &gradients);
//! }
//! let said = tape.bind_frozen(&model).translate(&source, &lengths, &target, 0.0, Mode::Evaluation).argmax(2);
//! assert_eq!(said.as_slice(), target.concat()); // learned by heart
//! ```

#![forbid(unsafe_code)]

// So that `#[derive(Params)]`, which writes `::unspool::..`, works in this crate as it does for users.
extern crate unspool_autograd as unspool;

mod activation;
pub mod activations;
mod attention;
mod batch_loss;
mod bidirectional;
mod boxed;
mod cell;
pub mod cells;
mod clip;
mod cross_entropy;
mod ctc;
mod data;
mod dataset;
mod dense;
mod dropout;
mod ema;
mod embedding;
mod evaluate;
mod files;
mod fingerprint;
mod fit;
mod flatten;
mod history;
pub mod init;
mod layer;
mod layer_norm;
mod layout;
mod loss;
mod mask;
mod memory;
pub mod metrics;
mod mode;
mod optimizer;
pub mod optimizers;
mod outputs;
#[cfg(any(feature = "safetensors", feature = "npy"))]
mod persist;
mod progress;
mod random;
mod recurrent;
mod scaled_dot_product;
pub mod schedules;
mod sentence;
mod sequence_layer;
mod sequential;
mod shards;
mod stack;
mod state;
mod stream;
mod summary;
pub mod text;
mod unroll;
pub mod wrappers;

pub use activation::Activation;
pub use attention::{AdditiveAttention, Attended, attend, attend_masked, dot_scores};
pub use bidirectional::{Bidirectional, BothUnrolled, Merge};
pub use boxed::{Boxed, boxed};
pub use cell::Cell;
#[doc(no_inline)]
pub use cells::*;
pub use clip::{clip_norm, clip_value, gradient_norm};
pub use cross_entropy::{CrossEntropy, cross_entropy, kl_div, nll};
pub use ctc::{Ctc, ctc};
pub use data::*;
pub use dataset::{DataError, Dataset};
pub use dense::{Dense, dense};
pub use dropout::{Dropout, dropout};
pub use ema::Ema;
pub use embedding::Embedding;
pub use evaluate::{evaluate, predict, predict_lengths};
pub use fit::{Callback, EarlyStopping, Fit, FitError, Interrupt, Report, Start, fit};
pub use flatten::{Flatten, flatten};
pub use history::{End, History};
pub use layer::{Layer, Model};
pub use layer_norm::LayerNorm;
pub use loss::{Loss, bce_with_logits, huber, mae, mse, weighted_bce_with_logits};
pub use mask::{sequence_mask, zero_padding};
pub use memory::{Memory, MemoryReader, RestoreError};
pub use metrics::accuracy;
pub use mode::Mode;
pub use optimizer::Optimizer;
pub use optimizers::{Adadelta, Adagrad, Adam, AdamW, Adamax, Lion, Nadam, RAdam, RmsProp, Sgd};
#[cfg(any(feature = "safetensors", feature = "npy"))]
pub use persist::*;
pub use random::{Rng, rng};
pub use recurrent::{Recurrent, RecurrentBuilder, recurrent};
pub use scaled_dot_product::{ScaledDotProduct, scaled_dot_product_attention};
pub use sequence_layer::{Outputs, SequenceLayer};
pub use sequential::{Build, Chain, Sequential, sequential};
pub use shards::Shards;
pub use stack::{Stack, Stacked};
pub use state::State;
#[doc(hidden)]
pub use state::join_parts;
pub use stream::Stream;
pub use summary::{Summary, summary};
pub use unroll::{Unroll, Unrolled};
#[doc(hidden)]
pub use unspool_autograd::{Scalar, Tape, Tensor, Var}; // which `#[derive(State)]` writes with the crate's name before them
pub use unspool_derive::State;
