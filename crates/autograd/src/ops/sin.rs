//! `sin`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Sin = "sin";
    value: |x| x.sin();
    derivative: |x, _| x.cos();
}

impl<T: Scalar> Var<'_, T> {
    /// The sine of each element: `dy/dx = cos x`.
    #[inline]
    pub fn sin(self) -> Self {
        self.unary(Sin)
    }
}
