//! `a / b, elementwise: `dy/da = 1/b`, `dy/db = -y/b`.`

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Div;

impl<T: Scalar> Op<T> for Div {
    fn name(&self) -> &'static str {
        "div"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip(
            "div",
            &x[1],
            #[inline(always)]
            |a, b| a / b,
        )
    }

    fn backward(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || grad.zip("div", &x[1], #[inline(always)] |g, b| g / b));
        into.add_with(1, || grad.zip3("div", y, &x[1], #[inline(always)] |g, y, b| -g * y / b));
    }
}

super::binary_operator!(Div, div, Div);
