#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub use unspool_autograd::*;
pub use unspool_nn::*;
pub use unspool_tensor as tensor;

/// What most programs use: `use unspool::prelude::*`.
pub mod prelude {
    pub use unspool_autograd::{Params, ParamsExt, Scalar, Tape, Tensor, Var, gradcheck};
    pub use unspool_nn::{
        Adam, Cell, Dataset, Dense, Layer, Optimizer, Recurrent, Rng, SimpleRnn, dense, fit, flatten, init, mse,
        recurrent, rng, sequential, simple_rnn,
    };
}
