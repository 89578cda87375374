//! `reciprocal`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Reciprocal = "reciprocal";
    value: |x| T::ONE / x;
    derivative: |_, y| -y * y;
}

impl<T: Scalar> Var<'_, T> {
    /// `1 / x` of each element: `dy/dx = -y²`.
    #[inline]
    pub fn reciprocal(self) -> Self {
        self.unary(Reciprocal)
    }
}
