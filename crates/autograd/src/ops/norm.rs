//! The length of vectors.

use super::axes::{Axes, reduction};
use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    /// The square root of a sum of squares: at 0, where all of them are 0, it has the gradient 0.
    pub(super) struct Root = "root";
    value: |x| x.sqrt();
    derivative: |_, y| if y == T::ZERO { T::ZERO } else { T::from_f64(0.5) / y };
}

#[track_caller]
fn norm<T: Scalar>(x: Var<'_, T>, axes: Axes) -> Var<'_, T> {
    axes.drop_from(x.square().sum_keepdim(axes.as_slice()).unary(Root))
}

reduction!(
    norm,
    (),
    norm,
    norm_axes,
    norm_keepdim,
    "Euclidean norm",
    "`y = sqrt(sum(x²))`, `dx = dy x / y`. The gradient is 0 where the norm is 0 (as \
    PyTorch has it).",
    [],
    "[2.0, 2.0, 2.0, 2.0]",
    "4.0",
    "[0.5; 4]",
    "[8f64.sqrt(); 2]",
    "[2.0 / 8f64.sqrt(); 4]"
);
