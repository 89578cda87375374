//! `ln`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Ln = "ln";
    value: |x| x.ln();
    derivative: |x, _| T::ONE / x;
}

impl<T: Scalar> Var<'_, T> {
    /// The natural logarithm of each element: `dy/dx = 1 / x`; minus infinity at 0, NaN below.
    #[inline]
    pub fn ln(self) -> Self {
        self.unary(Ln)
    }
}
