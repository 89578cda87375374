//! Gradients through time, on the CPU: tensors, a reverse-mode tape, and recurrent layers made of nothing but the tape's own
//! ops.
//!
//! Backpropagation through time *is* the tape, unrolled over the steps; no layer has a hand-written gradient. A cell of your
//! own implements the same trait as the built-in ones, so whatever makes those fast makes yours fast.
//!
//! # First programs
//!
//! A model that [`fit`] trains. Sequences are `[T, B, F]` everywhere: time, batch, features.
//!
//! ```
//! use unspool::prelude::*;
//!
//! // Ten steps of 64 series, and the mean of each.
//! let x = Tensor::<f32>::from_fn([10, 64, 1], |i| (i * 37 % 101) as f32 / 101.0);
//! let y = Tensor::from_fn([64, 1], |i| x.slice(1, i..i + 1).mean().item());
//! let data = Dataset::new(x, y)?;
//!
//! let mut model = sequential()
//!     .add(simple_rnn(1, 8).return_sequences())
//!     .add(gru(8, 8))
//!     .add(dense(8, 1));
//! let history = fit(&mut model, &data).loss(mse).optimizer(Adam::default()).batch_size(16).epochs(5).quiet().run()?;
//! assert!(history.loss[4] < history.loss[0]);
//! assert_eq!(predict(&model, &data).shape()[..], [64, 1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it is made of: a [`Tape`] records every operation on its variables, and
//! [`backward`](autograd::Var::backward) walks the record from its end. Here is a recurrent net by hand:
//!
//! ```
//! use unspool::prelude::*;
//!
//! #[derive(Params)]
//! struct Rnn<P> { w: P, u: P }                         // P: Tensor where it is stored, Var where it is bound to a tape
//!
//! let rng = &mut rng(0);
//! let model: Rnn<Tensor> = Rnn { w: init::glorot_uniform(rng, 1, 4), u: init::orthogonal(rng, 4, 4) };
//! let (xs, tape) = (Tensor::from_fn([20, 2, 1], |t| (t as f32).sin()), Tape::new());
//! let (net, xs) = (tape.bind(&model), tape.constant(&xs));
//!
//! let mut h = tape.constant(&Tensor::zeros([2, 4]));
//! for t in 0..20 {
//!     h = (xs.select(0, t).matmul(net.w) + h.matmul(net.u)).tanh(); // h_t = tanh(x_t W + h_{t-1} U)
//! }
//! let gradients: Rnn<Tensor> = h.square().mean().backward().of(&net); // through all 20 steps
//! assert_eq!(gradients.u.shape()[..], [4, 4]);
//! ```
//!
//! The same net as a [`Cell`]: it runs over sequences of any lengths, in `sequential()`, in both directions, step by step, and
//! as fast as a built-in one. [`gradcheck`] compares its gradients with central differences.
//!
//! ```
//! use unspool::prelude::*;
//!
//! #[derive(Params)]
//! struct Rnn<P> { x: Dense<P>, u: P }
//!
//! impl<'t, T: Scalar> Cell<'t, T> for Rnn<Var<'t, T>> {
//!     type State = Var<'t, T>;
//!     fn zero_state(&self, batch: usize) -> Var<'t, T> { self.u.new_zeros([batch, self.u.shape()[0]]) }
//!     fn project(&self, xs: Var<'t, T>) -> Var<'t, T> { self.x.forward(xs) } // all time steps at once
//!     fn step(&self, x: Var<'t, T>, h: Var<'t, T>) -> (Var<'t, T>, Var<'t, T>) {
//!         let h = (x + h.matmul(self.u)).tanh();
//!         (h, h)                                                             // output, next state
//!     }
//! }
//!
//! let rng = &mut rng(0);
//! let cell: Rnn<Tensor> = Rnn { x: Dense::new(rng, 1, 4), u: init::orthogonal(rng, 4, 4) };
//! let xs = Tensor::<f64>::from_fn([5, 2, 1], |i| (i as f64).sin());
//! gradcheck(&Recurrent::new(cell), |tape, net| net.forward(tape.constant(&xs)).last().square().mean())?;
//! # Ok::<(), unspool::autograd::GradcheckError>(())
//! ```
//!
//! # Modules
//!
//! The names that most programs use are at the root and in [`prelude`]. The rest is in modules by subject:
//!
//! | module | what it holds |
//! |---|---|
//! | [`layers`] | [`Dense`], [`Embedding`], layer normalization, dropout, attention, [`sequential`], initial weights, a [`summary`] of a model |
//! | [`recurrent`](mod@recurrent) | the trait [`Cell`]; cells run over sequences: in both directions, stacked, with lengths and masks, checkpointed, step by step |
//! | [`cells`] | [`SimpleRnn`], [`Lstm`], [`Gru`] and their variants |
//! | [`losses`] | losses of outputs and targets |
//! | [`optim`] | optimizers, learning rate schedules, gradient clipping, averages of weights |
//! | [`data`] | data sets, CSV files, windows over a series, scaling, padding |
//! | [`train`] | [`fit`] and its tasks, metrics, callbacks, history, checkpoints; [`Shards`] for a training loop of your own |
//! | [`io`] | weights in files: unspool's, PyTorch's, Keras's; NumPy's arrays |
//! | [`text`] | vocabularies, n-grams, language models, sampling, beam search |
//! | [`inspect`] | gradients through time: how far they reach, step by step; where the time of a training goes |
//! | [`online`] | learning without unrolling: a gradient after every step, in memory that does not grow |
//! | [`bench`](mod@bench) | your own cell beside the built-in ones: time, memory, share of the machine's peak |
//!
//! # Features
//!
//! All are off by default, and need no library that is not written in Rust.
//!
//! | feature | what it adds |
//! |---|---|
//! | `safetensors` | models and training states in files: `load`, `save`, PyTorch's and Keras's weights in [`io`]; `checkpoint` and `resume` of [`fit`] |
//! | `npy` | NumPy's arrays: `read_npy`, `read_npz`, `write_npy` in [`io`] |
//! | `ctrlc` | ctrl-c, SIGTERM and SIGHUP end a training after its step: `on_ctrl_c` of [`Interrupt`](train::Interrupt) |
//! | `progress` | a progress bar while [`fit`] runs on a terminal |
//! | `unicode` | words by the rules of Unicode: `words` in [`text`] |
//!
//! # Lower levels
//!
//! | module | what it holds |
//! |---|---|
//! | [`autograd`] | the tape; Jacobian- and Hessian-vector products, Jacobians, Hessians; [`gradcheck`]; profiles; where a NaN comes from |
//! | [`ops`] | the built-in ops, and how to write one: [`elementwise!`](ops::elementwise), [`row_function!`](ops::row_function), [`Op`](ops::Op) |
//! | [`numbers`] | programs over single numbers, with loops and branches: gradients and Hessians, nested in any order |
//! | [`tensor`] | tensors without gradients |
//!
//! # Types
//!
//! - [`Tensor<T>`](Tensor) is an array of `f32` (if nothing else is stated) or `f64`; [`Indices`] are tokens or classes.
//!   Cloning either copies no elements.
//! - [`Var<'t, T>`](Var) is a variable on a [`Tape<T>`](Tape): it is `Copy`. One used after
//!   [`reset`](autograd::Tape::reset) does not compile.
//! - A model is a struct generic in its leaf, with `#[derive(Params)]`: `Lstm<Tensor>` is stored, trained and saved, and
//!   [`tape.bind(&model)`](autograd::Tape::bind) makes an `Lstm<Var>` of it. Its gradients are an `Lstm<Tensor>` as well.
//! - A [`Layer`] is a function of a variable, from `[T, B, F]` or `[B, F]`; what it needs besides is in its [`Context`]: the
//!   [`Mode`], lengths or a mask.
//! - A [`State`] is what a [`Cell`] carries from step to step: a variable, a tuple of them, or a struct with
//!   `#[derive(State)]`.
//! - Mistakes with shapes panic at your line, with the op, the shapes, the layer and the time step. Whatever comes from
//!   outside (files, data, settings) is a `Result`, whose error is one sentence.
//!
//! The same seed gives the same bits at any number of threads.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(inline)]
pub use unspool_autograd as autograd;
pub use unspool_autograd::numbers;
pub use unspool_nn::{bench, cells, data, inspect, io, layers, losses, online, optim, recurrent, text, train};
#[doc(inline)]
pub use unspool_tensor as tensor;

/// The built-in ops, and what a custom op is made of: the trait [`Op`](ops::Op), or the
/// macros [`elementwise!`](ops::elementwise) and [`row_function!`](ops::row_function).
pub mod ops {
    pub use unspool_autograd::ops::*;
    pub use unspool_autograd::{InputGrads, Inputs, Op, RowFunction, Saves, elementwise, row_function};
}

#[doc(inline)]
pub use prelude::*;

/// The names that most programs use, which are also at the root: `use unspool::prelude::*`. The
/// rest is in modules by subject.
pub mod prelude {
    pub use unspool_autograd::{Indices, Number, Params, ParamsExt, Scalar, Tape, Tensor, Var, gradcheck};
    pub use unspool_nn::cells::{Gru, Lstm, SimpleRnn, gru, lstm, simple_rnn};
    pub use unspool_nn::data::Dataset;
    #[cfg(feature = "safetensors")]
    pub use unspool_nn::io::{load, save};
    pub use unspool_nn::layers::{
        Dense, Embedding, Layer, dense, dropout, embedding, flatten, init, sequential, summary,
    };
    pub use unspool_nn::losses::{CrossEntropy, mse};
    pub use unspool_nn::optim::{Adam, Optimizer, Sgd};
    pub use unspool_nn::recurrent::{Cell, Recurrent, SequenceLayer, SequenceOutput, State, recurrent};
    pub use unspool_nn::train::{Shards, evaluate, fit, predict};
    pub use unspool_nn::{Context, Mode, Rng, rng};
}

// The derive macros write these paths.
#[doc(hidden)]
pub use unspool_autograd::{Path, Segment};
#[doc(hidden)]
pub use unspool_nn::{DetachedState, join_fields};

/// Its programs are tested with those of this page.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
