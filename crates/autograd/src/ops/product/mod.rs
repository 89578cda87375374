//! Products of vectors and matrices, and ops that are computed as one.

mod matmul;
mod linear;
mod dot;
mod einsum;
mod conv1d;

pub use conv1d::Convolution;

use unspool_tensor::{Scalar, Tensor};

/// The floating-point operations of a product `y` of `a`, `[.., K]`, and a matrix.
fn product_flops<T: Scalar>(a: &Tensor<T>, y: &Tensor<T>) -> f64 {
    2.0 * y.numel() as f64 * a.shape().last().copied().unwrap_or(1) as f64
}
