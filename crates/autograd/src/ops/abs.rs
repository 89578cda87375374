//! `abs`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Abs = "abs";
    value: |x| x.abs();
    derivative: |x, _| x.sign();
}

impl<T: Scalar> Var<'_, T> {
    /// The absolute value of each element: `dy/dx` is its sign, 0 at 0 (as PyTorch has it).
    #[inline]
    pub fn abs(self) -> Self {
        self.unary(Abs)
    }
}
