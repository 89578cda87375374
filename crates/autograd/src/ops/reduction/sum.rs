//! The sum over all axes, or some.

use super::{Axes, reduction};
use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct Sum(Axes);

impl Op for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        self.0.finish(x[0].sum_axes(self.0.as_slice()), x[0].shape())
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let shape = x[0].shape();
        into.pass_on(0, || self.0.restore(&grad, shape).expand(shape));
    }
}

#[track_caller]
#[inline]
fn sum<T: Scalar>(x: Var<'_, T>, axes: Axes) -> Var<'_, T> {
    x.unary(Sum(axes))
}

reduction! {
    heading: "Reduction";
    methods: sum, sum_axes, sum_keepdim;
    op: sum;
    what: "sum";
    rule: "`y = sum(x)`, `dx = dy`, repeated. 0 if there are no elements.";
    x: "[1.0, 2.0, 3.0, 4.0]";
    over_all: y = "10.0", dx = "[1.0; 4]";
    over_axis_1: y = "[3.0, 7.0]", dx = "[1.0; 4]";
}
