//! The product over all axes, or some.

use super::{Axes, reduction};
use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{MAX_RANK, Scalar, Tensor};

#[derive(Clone)]
struct Prod(Axes);

impl Prod {
    /// For each element, the product of the others it is multiplied with: of those before it and
    /// those after it. No division, so zeros need no special case.
    fn others<T: Scalar>(&self, x: &Tensor<T>) -> Tensor<T> {
        let (rank, axes) = (x.rank(), self.0.as_slice());
        // The axes that are multiplied move to the end and become one.
        let mut order = [0; MAX_RANK];
        let kept = (0..rank).filter(|axis| !axes.contains(axis));
        order.iter_mut().zip(kept.chain(axes.iter().copied())).for_each(|(index, axis)| *index = axis);
        let mut back = [0; MAX_RANK];
        order[..rank].iter().enumerate().for_each(|(index, &axis)| back[axis] = index);

        let (moved, terms) = (x.permute(&order[..rank]), self.0.terms(x.shape()));
        let rows = moved.reshape([x.numel() / terms, terms]);
        let others = rows.map_rows([], #[inline(always)] |x, [], out| {
            let mut before = T::ONE;
            for (y, &x) in out.iter_mut().zip(x) {
                *y = before;
                before *= x;
            }
            let mut after = T::ONE;
            for (y, &x) in out.iter_mut().zip(x).rev() {
                *y *= after;
                after *= x;
            }
        });
        others.reshape(moved.shape()).permute(&back[..rank])
    }
}

impl Op for Prod {
    fn name(&self) -> &'static str {
        "prod"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        self.0.finish(x[0].prod_axes(self.0.as_slice()), x[0].shape())
    }

    fn saves(&self) -> Saves {
        Saves::INPUTS
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        if x[0].numel() == 0 {
            return;
        }
        let grad = self.0.restore(&grad, x[0].shape());
        into.add_with(0, || self.others(&x[0]).zip(&grad, #[inline(always)] |others, g| others * g));
    }
}

#[track_caller]
#[inline]
fn prod<T: Scalar>(x: Var<'_, T>, axes: Axes) -> Var<'_, T> {
    x.unary(Prod(axes))
}

reduction! {
    methods: prod, prod_axes, prod_keepdim;
    op: prod;
    what: "product";
    rule: "`dx_i = dy` times the product of the other `x_j`, right at zeros, too. 1 if there are no elements.";
    x: "[1.0, 2.0, 3.0, 4.0]";
    over_all: y = "24.0", dx = "[24.0, 12.0, 8.0, 6.0]";
    over_axis_1: y = "[2.0, 12.0]", dx = "[2.0, 1.0, 4.0, 3.0]";
}
