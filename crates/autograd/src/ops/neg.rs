//! `-x`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Neg = "neg";
    value: |x| -x;
    derivative: |_, _| -T::ONE;
}

impl<T: Scalar> std::ops::Neg for Var<'_, T> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        self.unary(Neg)
    }
}
