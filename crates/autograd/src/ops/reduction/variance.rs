//! Variance and standard deviation.

use super::norm::Norm;
use super::{Axes, reduction};
use crate::tape::Var;
use unspool_tensor::Scalar;

/// The distances from the mean. Rounding may put the mean outside the smallest and the largest
/// element; it is clamped to them, so that equal elements have no distance.
#[track_caller]
fn distances<'t, T: Scalar>(x: Var<'t, T>, axes: Axes) -> Var<'t, T> {
    let mean = x.mean_keepdim(axes.as_slice());
    if axes.terms(x.shape()) == 0 {
        return x - mean;
    }
    let value = x.value();
    let [least, most] = [value.min_axes(axes.as_slice()), value.max_axes(axes.as_slice())];
    let [least, most] = [least, most].map(|bound| axes.restore(&bound, x.shape()));
    let outside = mean.value().zip3(&least, &most, |mean, least, most| {
        let inside = if mean < least { least } else if mean > most { most } else { mean };
        (mean - inside).with_tangent_of(T::ZERO)
    });
    let is_inside = outside.contiguous().as_slice().is_some_and(|outside| outside.iter().all(|&d| d == T::ZERO));
    if is_inside { x - mean } else { (x - mean) + x.tape.constant(&outside) }
}

/// The divisor of the sum of squares.
fn degrees<T: Scalar>(x: Var<'_, T>, axes: Axes, correction: usize) -> f64 {
    (axes.terms(x.shape()) as f64 - correction as f64).max(0.0)
}

#[track_caller]
fn variance<T: Scalar>(x: Var<'_, T>, axes: Axes, correction: usize) -> Var<'_, T> {
    let squares = distances(x, axes).square().sum_keepdim(axes.as_slice());
    axes.drop_from(squares / degrees(x, axes, correction))
}

#[track_caller]
fn deviation<T: Scalar>(x: Var<'_, T>, axes: Axes, correction: usize) -> Var<'_, T> {
    // Not the square root of the variance, which leaves the range of the type much earlier.
    distances(x, axes).unary(Norm { axes, terms: degrees(x, axes, correction) })
}

reduction! {
    methods: var, var_axes, var_keepdim;
    argument: correction: usize = "0";
    op: variance;
    what: "variance";
    rule: "`y = sum((x - mean)²) / (n - correction)`, `dx = 2 (x - mean) dy / (n - correction)`. `correction` is 1 for the \
    unbiased estimate (PyTorch's default), 0 for the mean squared deviation (NumPy's, and what layer normalization \
    uses). NaN or infinite where `n` is not greater than `correction`.";
    x: "[1.0, 2.0, 3.0, 4.0]";
    over_all: y = "1.25", dx = "[-0.75, -0.25, 0.25, 0.75]";
    over_axis_1: y = "[0.25, 0.25]", dx = "[-0.5, 0.5, -0.5, 0.5]";
}

reduction! {
    methods: std, std_axes, std_keepdim;
    argument: correction: usize = "0";
    op: deviation;
    what: "standard deviation";
    rule: "the square root of [`var`](Var::var), also where that leaves the range of the type; `dx = dy (x - mean) / (y (n - correction))`. The gradient is 0 where all \
    elements are equal (as PyTorch has it).";
    x: "[1.0, 3.0, 1.0, 3.0]";
    over_all: y = "1.0", dx = "[-0.25, 0.25, -0.25, 0.25]";
    over_axis_1: y = "[1.0, 1.0]", dx = "[-0.5, 0.5, -0.5, 0.5]";
}
