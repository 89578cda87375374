//! `a b, elementwise: each gradient is the other factor's value.`

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Mul;

impl<T: Scalar> Op<T> for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip(
            "mul",
            &x[1],
            #[inline(always)]
            |a, b| a * b,
        )
    }

    fn backward(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || grad.zip("mul", &x[1], #[inline(always)] |g, b| g * b));
        into.add_with(1, || grad.zip("mul", &x[0], #[inline(always)] |g, a| g * a));
    }
}

super::binary_operator!(Mul, mul, Mul);
