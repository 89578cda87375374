//! `exp`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Exp = "exp";
    value: |x| x.exp();
    derivative: |_, y| y;
}

impl<T: Scalar> Var<'_, T> {
    /// e to the power of each element: `dy/dx = y`.
    #[inline]
    pub fn exp(self) -> Self {
        self.unary(Exp)
    }
}
