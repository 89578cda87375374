//! `y = x w`

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct MatMul;

impl<T: Scalar> Op<T> for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].matmul(&x[1])
    }

    fn backward(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || grad.matmul(&x[1].t()));
        into.add_product(1, &x[0], &grad);
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The matrix product with a weight: `[.., M, K] x [K, N] -> [.., M, N]`; all leading axes are rows.
    ///
    /// `dx = dy wᵀ`, `dw = xᵀ dy`. The gradients of a weight that is used at every time step are collected and
    /// computed as one product.
    ///
    /// # Panics
    /// If the weight is not a matrix, or the inner sizes differ.
    #[track_caller]
    #[inline]
    pub fn matmul(self, weight: Self) -> Self {
        self.tape.apply(MatMul, &[self, weight])
    }
}
