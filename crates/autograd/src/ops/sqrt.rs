//! `sqrt`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Sqrt = "sqrt";
    value: |x| x.sqrt();
    derivative: |_, y| T::ONE / (y + y);
}

impl<T: Scalar> Var<'_, T> {
    /// The square root of each element: `dy/dx = 1 / (2 y)`, infinite at 0; NaN below 0.
    #[inline]
    pub fn sqrt(self) -> Self {
        self.unary(Sqrt)
    }
}
