//! The length of vectors.

use super::axes::{Axes, reduction};
use crate::var::Var;
use unspool_tensor::Scalar;

#[track_caller]
fn norm<T: Scalar>(x: Var<'_, T>, axes: Axes) -> Var<'_, T> {
    axes.drop_from(x.square().sum_keepdim(axes.as_slice()).sqrt())
}

reduction!(
    norm,
    (),
    norm,
    norm_axes,
    norm_keepdim,
    "Euclidean norm",
    "`y = sqrt(sum(x²))`, `dx = dy x / y`. The gradient is NaN where the norm is 0 (PyTorch \
    has 0).",
    [],
    "[2.0, 2.0, 2.0, 2.0]",
    "4.0",
    "[0.5; 4]",
    "[8f64.sqrt(); 2]",
    "[2.0 / 8f64.sqrt(); 4]"
);
