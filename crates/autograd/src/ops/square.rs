//! `square`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Square = "square";
    value: |x| x * x;
    derivative: |x, _| x + x;
}

impl<T: Scalar> Var<'_, T> {
    /// The square of each element: `dy/dx = 2 x`.
    #[inline]
    pub fn square(self) -> Self {
        self.unary(Square)
    }
}
