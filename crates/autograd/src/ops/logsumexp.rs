//! `ln(sum(exp(x)))`

use super::axes::{Axes, reduction};
use crate::var::Var;
use unspool_tensor::Scalar;

#[track_caller]
fn logsumexp<T: Scalar>(x: Var<'_, T>, axes: Axes) -> Var<'_, T> {
    for &axis in axes.as_slice() {
        let shape = x.shape();
        assert!(shape[axis] > 0, "logsumexp: axis {axis} of shape {shape} is empty");
    }
    // The largest element is subtracted first and added again, so no element is too large.
    let max = x.value().max_axes(axes.as_slice()).map(|max| if max.is_finite() { max } else { T::ZERO });
    let max = x.tape.constant(&axes.restore(&max, x.shape()));
    axes.drop_from((x - max).exp().sum_keepdim(axes.as_slice()).ln() + max)
}

reduction!(
    logsumexp,
    (),
    logsumexp,
    logsumexp_axes,
    logsumexp_keepdim,
    "smooth maximum",
    "`y = ln(sum(exp(x)))`, finite for every finite `x`; `dx = softmax(x) dy`, \
    NaN where all elements are minus infinity.",
    ["If there are no elements to add."],
    "[1e4, 1e4, 1e4, 1e4]",
    "1e4 + 4f64.ln()",
    "[0.25; 4]",
    "[1e4 + 2f64.ln(); 2]",
    "[0.5; 4]"
);
