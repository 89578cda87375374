//! `cos`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Cos = "cos";
    value: |x| x.cos();
    derivative: |x, _| -x.sin();
}

impl<T: Scalar> Var<'_, T> {
    /// The cosine of each element: `dy/dx = -sin x`.
    #[inline]
    pub fn cos(self) -> Self {
        self.unary(Cos)
    }
}
