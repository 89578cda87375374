//! `a - b, elementwise.`

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Sub;

impl<T: Scalar> Op<T> for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip(
            "sub",
            &x[1],
            #[inline(always)]
            |a, b| a - b,
        )
    }

    fn backward(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || grad.clone());
        into.add_with(1, || grad.map(#[inline(always)] |g| -g));
    }
}

super::binary_operator!(Sub, sub, Sub);
