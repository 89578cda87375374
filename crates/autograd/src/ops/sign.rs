//! `sign`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Sign = "sign";
    value: |x| x.sign();
    derivative: |_, _| T::ZERO;
}

impl<T: Scalar> Var<'_, T> {
    /// -1, 0 or 1, as each element is negative, zero or positive: `dy/dx = 0`.
    #[inline]
    pub fn sign(self) -> Self {
        self.unary(Sign)
    }
}
