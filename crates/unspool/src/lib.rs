#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use unspool_autograd as autograd;
pub use unspool_autograd::numbers;
pub use unspool_nn::{bench, cells, data, inspect, io, layers, losses, online, optim, recurrent, text, train};
pub use unspool_tensor as tensor;

/// The built-in ops, and what a custom op is made of: the trait [`Op`](ops::Op), or the
/// macros [`elementwise!`](ops::elementwise) and [`row_function!`](ops::row_function).
pub mod ops {
    pub use unspool_autograd::ops::*;
    pub use unspool_autograd::{InputGrads, Inputs, Op, RowFunction, Saves, elementwise, row_function};
}

pub use prelude::*;

/// The names that most programs use, which are also at the root: `use unspool::prelude::*`. The
/// rest is in modules by subject.
pub mod prelude {
    pub use unspool_autograd::{Indices, Number, Params, ParamsExt, Scalar, Tape, Tensor, Var, gradcheck};
    pub use unspool_nn::cells::{Gru, Lstm, SimpleRnn, gru, lstm, simple_rnn};
    pub use unspool_nn::data::Dataset;
    #[cfg(feature = "safetensors")]
    pub use unspool_nn::io::{load, save};
    pub use unspool_nn::layers::{Dense, Embedding, Layer, dense, dropout, embedding, flatten, init, sequential};
    pub use unspool_nn::losses::{CrossEntropy, mse};
    pub use unspool_nn::optim::{Adam, Optimizer, Sgd};
    pub use unspool_nn::recurrent::{Cell, Recurrent, SequenceLayer, SequenceOutput, State, recurrent};
    pub use unspool_nn::train::{Shards, evaluate, fit, predict};
    pub use unspool_nn::{Context, Mode, Rng, rng, summary};
}

// The derive macros write these paths.
#[doc(hidden)]
pub use unspool_autograd::{Path, Segment};
#[doc(hidden)]
pub use unspool_nn::{DetachedState, join_fields};
