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

#![forbid(unsafe_code)]

// So that `#[derive(Params)]`, which writes `::unspool::..`, works in this crate as it does for users.
extern crate unspool_autograd as unspool;

mod activation;
mod adam;
mod attention;
mod bidirectional;
mod cell;
pub mod cells;
mod cross_entropy;
mod ctc;
mod dataset;
mod dense;
mod dropout;
mod embedding;
mod evaluate;
mod fit;
mod flatten;
mod history;
pub mod init;
mod layer;
mod layer_norm;
mod layout;
mod loss;
mod mode;
mod optimizer;
mod progress;
mod random;
mod recurrent;
mod sequence_layer;
mod sequential;
mod shards;
mod stack;
mod state;
mod stream;
mod summary;
mod unroll;
pub mod wrappers;

pub use activation::Activation;
pub use adam::Adam;
pub use attention::{AdditiveAttention, Attended, attend, dot_scores};
pub use bidirectional::{Bidirectional, BothUnrolled, Merge};
pub use cell::Cell;
#[doc(no_inline)]
pub use cells::*;
pub use cross_entropy::{CrossEntropy, cross_entropy, kl_div, nll};
pub use ctc::ctc;
pub use dataset::{DataError, Dataset};
pub use dense::{Dense, dense};
pub use dropout::{Dropout, dropout};
pub use embedding::Embedding;
pub use evaluate::{evaluate, predict};
pub use fit::{Fit, FitError, fit};
pub use flatten::{Flatten, flatten};
pub use history::History;
pub use layer::{Layer, Model};
pub use layer_norm::LayerNorm;
pub use loss::{Loss, bce_with_logits, huber, mae, mse};
pub use mode::Mode;
pub use optimizer::Optimizer;
pub use random::{Rng, rng};
pub use recurrent::{Recurrent, RecurrentBuilder, recurrent};
pub use sequence_layer::{Outputs, SequenceLayer};
pub use sequential::{Build, Chain, Sequential, sequential};
pub use stack::{Stack, Stacked};
pub use state::State;
pub use stream::Stream;
pub use summary::{Summary, summary};
pub use unroll::{Unroll, Unrolled};
