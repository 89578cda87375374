//! The mean over all axes, or some.

use super::{Axes, reduction};
use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct Mean(Axes);

impl Op for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        self.0.finish(x[0].mean_axes(self.0.as_slice()), x[0].shape())
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let shape = x[0].shape();
        let n = T::from_f64(self.0.terms(shape) as f64);
        let least = into.least();
        into.pass_on(0, || self.0.restore(&grad.map(|g| (g / n).flush(least)), shape).expand(shape));
    }
}

#[track_caller]
#[inline]
fn mean<T: Scalar>(x: Var<'_, T>, axes: Axes) -> Var<'_, T> {
    x.unary(Mean(axes))
}

reduction! {
    methods: mean, mean_axes, mean_keepdim;
    op: mean;
    what: "mean";
    rule: "`y = sum(x) / n`, `dx = dy / n`, repeated. NaN if there are no elements.";
    x: "[1.0, 2.0, 3.0, 4.0]";
    over_all: y = "2.5", dx = "[0.25; 4]";
    over_axis_1: y = "[1.5, 3.5]", dx = "[0.5; 4]";
}
