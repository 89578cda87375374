//! Products of vectors and matrices, and what is written as one.

mod matmul;
mod linear;
mod dot;
mod einsum;
mod conv1d;

pub use conv1d::Convolution;
