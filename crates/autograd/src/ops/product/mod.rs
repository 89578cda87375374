//! Products of vectors and matrices, and ops that are computed as one.

mod matmul;
mod linear;
mod dot;
mod einsum;
mod conv1d;

pub use conv1d::Convolution;
