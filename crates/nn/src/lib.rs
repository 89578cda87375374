//! Recurrent layers made of nothing but the tape's own ops.
//!
//! A cell is a struct with a [`step`](recurrent::Cell::step); [`Recurrent`] unrolls any cell over a
//! sequence `[T, B, F]` (time, batch, features), and the tape computes the gradient through time.
//! The built-in cells implement the same public trait as a custom one.
//!
//! ```
//! use unspool::prelude::*;
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
//! let history = fit(&mut model, &train)
//!     .loss(mse)
//!     .optimizer(Adam::default())
//!     .batch_size(16)
//!     .epochs(3)
//!     .quiet()
//!     .run()?;
//! assert!(history.loss[2] < history.loss[0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A custom training loop uses the pieces of [`fit`]: [`Dataset::batches`], [`Shards`] for the
//! gradients of a batch on several threads, an [`Optimizer`], [`evaluate`].
//!
//! ```
//! use unspool::prelude::*;
//! # let x = Tensor::<f32>::from_fn([10, 64, 1], |i| (i * 37 % 101) as f32 / 101.0);
//! # let y = Tensor::from_fn([64, 1], |i| x.slice(1, i..i + 1).mean().item());
//! # let train = Dataset::new(x, y)?;
//! let mut model = sequential().add(simple_rnn(1, 8)).add(dense(8, 1));
//! let before = evaluate(&model, &train, mse);
//! let (mut adam, mut shards) = (Adam::default().clip_norm(1.0), Shards::new());
//! for epoch in 0..3 {
//!     for (step, batch) in train.batches(16).shuffle(epoch).enumerate() {
//!         let mode = Mode::Training { seed: epoch }.fold_in(step);
//!         let (loss, gradients) = shards.batch_gradients(&model, &batch, mse, mode);
//!         adam.step(&mut model, &gradients);
//!     }
//! }
//! assert!(evaluate(&model, &train, mse) < before);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Recurrent`]: recurrent::Recurrent
//! [`fit`]: train::fit()
//! [`Dataset::batches`]: data::Dataset::batches
//! [`Shards`]: train::Shards
//! [`Optimizer`]: optim::Optimizer
//! [`evaluate`]: train::evaluate()

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// `#[derive(Params)]` writes `::unspool::..`, which in this crate must resolve, too.
#[macro_use(ensure, fail)]
extern crate unspool_autograd as unspool;

pub mod bench;
pub mod cells;
mod compiled;
mod context;
pub mod data;
mod error;
pub mod inspect;
pub mod io;
pub mod layers;
pub mod losses;
mod messages;
mod mode;
pub mod online;
pub mod optim;
mod plot;
mod random;
pub mod recurrent;
pub mod text;
pub mod train;
mod tuning;

pub use context::Context;
pub use mode::Mode;
pub use random::{Rng, rng};

// The code that `#[derive(State)]` writes refers to these.
#[doc(hidden)]
pub use recurrent::{DetachedState, State, state::join_fields};
#[doc(hidden)]
pub use unspool_autograd::{Scalar, Tape, Tensor, Var};
