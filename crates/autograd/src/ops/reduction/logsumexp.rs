//! `ln(sum(exp(x)))`

use super::{Axes, reduction};
use crate::tape::Var;
use unspool_tensor::Scalar;

#[track_caller]
fn logsumexp<T: Scalar>(x: Var<'_, T>, axes: Axes) -> Var<'_, T> {
    if axes.terms(x.shape()) == 0 {
        return axes.drop_from(x.sum_keepdim(axes.as_slice()).ln()); // of 0
    }
    // The largest element is subtracted before `exp` and added to the logarithm, so no element is
    // too large.
    let max = x.value().max_axes(axes.as_slice()).map(|max| if max.is_finite() { max } else { T::ZERO });
    let max = x.tape.constant(&axes.restore(&max, x.shape()));
    axes.drop_from((x - max).exp().sum_keepdim(axes.as_slice()).ln() + max)
}

reduction! {
    methods: logsumexp, logsumexp_axes, logsumexp_keepdim;
    op: logsumexp;
    what: "smooth maximum";
    rule: "`y = ln(sum(exp(x)))`, finite for every finite `x`; `dx = softmax(x) dy`, \
    NaN where all elements are minus infinity. Minus infinity if there are no elements.";
    x: "[1e4, 1e4, 1e4, 1e4]";
    over_all: y = "1e4 + 4f64.ln()", dx = "[0.25; 4]";
    over_axis_1: y = "[1e4 + 2f64.ln(); 2]", dx = "[0.5; 4]";
}
