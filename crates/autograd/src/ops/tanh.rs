//! `tanh`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Tanh = "tanh";
    value: |x| x.tanh();
    derivative: |_, y| T::ONE - y * y;
}

impl<T: Scalar> Var<'_, T> {
    /// The hyperbolic tangent of each element: `dy/dx = 1 - y²`.
    #[inline]
    pub fn tanh(self) -> Self {
        self.unary(Tanh)
    }
}
