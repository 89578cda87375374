//! Recurrent layers: a [`Cell`] makes one step, [`Recurrent`] unrolls it over a sequence `[T, B, F]`.
//!
//! # Design patterns
//!
//! | pattern | pieces |
//! |---|---|
//! | sequence to vector | [`last`](RecurrentOutput::last) of a recurrent layer |
//! | vector to sequence | [`expand`](unspool_autograd::Var::expand) over time, or [`decode`](Recurrent::decode) with its own outputs |
//! | sequence to sequence | [`sequence`](RecurrentOutput::sequence), and a [`Dense`] layer at every time step: it takes `[T, B, H]` as it is |
//! | encoder-decoder | the encoder's [`state`](RecurrentOutput::state) into the decoder's [`decode`](Recurrent::decode); [`attention`] to look back (or [`scaled_dot_product_attention`]); [`beam_search`] for what it says |
//! | masked steps | [`Unroll::mask`], [`attention_masked`]; of tokens that mean nothing, [`Embedding::padding`] and [`Embedding::mask`] |
//! | tied weights | a field used twice: `h.matmul(net.words.weight.t())` as the scores of the next word |
//!
//! ```
//! use unspool_nn::{Mode, rng};
//! use unspool_nn::cells::Gru;
//! use unspool_nn::layers::{Dense, Embedding, Layer};
//! use unspool_nn::recurrent::Recurrent;
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
//! let generated = decoder.decode(start, *run.state(), 10, Mode::Evaluation, |_, h| words.forward(h.matmul(head).argmax(1)));
//! assert_eq!(generated.sequence().matmul(head).shape()[..], [10, 4, 50]); // encoder-decoder, running freely
//! assert_eq!(decoder.forward(repeated).sequence().shape()[..], [10, 4, 8]);
//! ```
//!
//! An encoder-decoder whole: it looks back with attention before each word, is forced by its teacher less and less, and
//! scores words by their own vectors.
//!
//! ```
//! use unspool_autograd::{Indices, Params, Tape, Tensor, Var};
//! use unspool_nn::rng;
//! use unspool_nn::cells::Gru;
//! use unspool_nn::layers::{AdditiveAttention, Dense, Embedding, attention};
//! use unspool_nn::losses::CrossEntropy;
//! use unspool_nn::optim::Adam;
//! use unspool_nn::Mode;
//! use unspool_nn::layers::Layer;
//! use unspool_nn::optim::Optimizer;
//! use unspool_nn::recurrent::Recurrent;
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
//!         let look = |h| attention(self.attention.scores(h, keys), encoded, Some(lengths)).context;
//!         let scores = |h: Var<'t>| self.head.forward(h).matmul(self.words.weight.t());
//!         let input = |word: Indices, h| Var::concat(1, &[self.words.forward(word), look(h)]);
//!         let start = input([0; 2].into(), *run.state());
//!         let decoded = self.decoder.decode(start, *run.state(), target.len(), mode, |t, h| {
//!             let forced = mode.fold_in(t).bernoulli(ratio);
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
//!
//! [`Dense`]: crate::layers::Dense
//! [`attention`]: crate::layers::attention()
//! [`attention_masked`]: crate::layers::attention_masked
//! [`scaled_dot_product_attention`]: crate::layers::scaled_dot_product_attention
//! [`beam_search`]: crate::text::beam_search()
//! [`Embedding::padding`]: crate::layers::Embedding::padding
//! [`Embedding::mask`]: crate::layers::Embedding::mask

pub(crate) mod bidirectional;
pub(crate) mod cell;
pub(crate) mod decode;
pub(crate) mod layer;
pub(crate) mod output;
pub(crate) mod packing;
pub(crate) mod run;
pub(crate) mod sequence_layer;
pub(crate) mod stack;
pub(crate) mod state;
pub(crate) mod streaming;
pub mod wrappers;

pub use bidirectional::{Bidirectional, BidirectionalOutput, Merge};
pub use cell::Cell;
pub use layer::{Recurrent, RecurrentBuilder, recurrent};
pub use output::RecurrentOutput;
pub use run::Unroll;
pub use sequence_layer::{SequenceLayer, SequenceOutput};
pub use stack::{Stack, StackOutput};
pub use state::State;
pub use streaming::StreamingCell;
pub use unspool_derive::State;
