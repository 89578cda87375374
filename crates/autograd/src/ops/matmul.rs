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
        if x[1].rank() == 2 {
            into.add_product(1, &x[0], &grad);
        } else {
            into.add_with(1, || x[0].t().matmul(&grad));
        }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The matrix product with a weight, `[.., K] x [K, N] -> [.., N]`, where all leading axes are rows; or of several
    /// matrices, `[.., M, K] x [.., K, N] -> [.., M, N]`, where leading axes count matrices and broadcast.
    ///
    /// `dx = dy wᵀ`, `dw = xᵀ dy`. The gradients of a weight that is used at every time step are collected and
    /// computed as one product.
    ///
    /// # Panics
    /// If the shapes are not these, the inner sizes differ, or the leading axes do not broadcast.
    #[track_caller]
    #[inline]
    pub fn matmul(self, weight: Self) -> Self {
        self.tape.apply(MatMul, &[self, weight])
    }
}
