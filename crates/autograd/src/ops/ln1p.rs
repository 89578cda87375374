//! `ln1p`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Ln1p = "ln1p";
    value: |x| x.ln_1p();
    derivative: |x, _| T::ONE / (T::ONE + x);
}

impl<T: Scalar> Var<'_, T> {
    /// `ln(1 + x)` of each element, exact near 0: `dy/dx = 1 / (1 + x)`.
    #[inline]
    pub fn ln1p(self) -> Self {
        self.unary(Ln1p)
    }
}
