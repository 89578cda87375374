//! Variance and standard deviation.

use super::axes::{Axes, reduction};
use super::norm::Root;
use crate::var::Var;
use unspool_tensor::Scalar;

#[track_caller]
fn variance<T: Scalar>(x: Var<'_, T>, axes: Axes, correction: usize) -> Var<'_, T> {
    let n = axes.terms(x.shape()) as f64 - correction as f64;
    let squares = (x - x.mean_keepdim(axes.as_slice())).square().sum_keepdim(axes.as_slice());
    axes.drop_from(squares / n.max(0.0))
}

#[track_caller]
fn deviation<T: Scalar>(x: Var<'_, T>, axes: Axes, correction: usize) -> Var<'_, T> {
    variance(x, axes, correction).unary(Root)
}

reduction!(
    variance,
    (correction: usize = "0"),
    var,
    var_axes,
    var_keepdim,
    "variance",
    "`y = sum((x - mean)²) / (n - correction)`, `dx = 2 (x - mean) dy / (n - correction)`. `correction` is 1 for the \
    unbiased estimate (PyTorch's default), 0 for the mean squared deviation (NumPy's, and what layer normalisation \
    uses). NaN or infinite where `n` is not greater than `correction`.",
    [],
    "[1.0, 2.0, 3.0, 4.0]",
    "1.25",
    "[-0.75, -0.25, 0.25, 0.75]",
    "[0.25, 0.25]",
    "[-0.5, 0.5, -0.5, 0.5]"
);

reduction!(
    deviation,
    (correction: usize = "0"),
    std,
    std_axes,
    std_keepdim,
    "standard deviation",
    "the square root of [`var`](Var::var), `dx = dy (x - mean) / (y (n - correction))`. The gradient is 0 where all \
    elements are equal (as PyTorch has it).",
    [],
    "[1.0, 3.0, 1.0, 3.0]",
    "1.0",
    "[-0.25, 0.25, -0.25, 0.25]",
    "[1.0, 1.0]",
    "[-0.5, 0.5, -0.5, 0.5]"
);
