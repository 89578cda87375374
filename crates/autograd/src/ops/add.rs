//! `a + b, elementwise: both gradients are that of the sum.`

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Add;

impl<T: Scalar> Op<T> for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip(
            "add",
            &x[1],
            #[inline(always)]
            |a, b| a + b,
        )
    }

    fn backward(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || grad.clone());
        into.add(1, grad);
    }
}

super::binary_operator!(Add, add, Add);
