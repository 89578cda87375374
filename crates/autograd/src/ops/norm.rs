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
    "`y = sqrt(sum(x²))`, `dx = dy x / y`, not finite where the norm is 0.",
    "x.norm().item() == 5.0",
    "x.norm_axes(&[1]).value().to_vec() == [3.0, 4.0]",
    "x.norm_keepdim(&[1]).shape()[..] == [2, 1]",
    "[3.0, 0.0, 0.0, 4.0]"
);
