//! The random number generator, which is that of random tensors.

pub use unspool_autograd::{Rng, rng};
