//! `sigmoid`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Sigmoid = "sigmoid";
    value: |x| x.sigmoid();
    derivative: |_, y| y * (T::ONE - y);
}

impl<T: Scalar> Var<'_, T> {
    /// The logistic function of each element, `1 / (1 + exp(-x))`: `dy/dx = y (1 - y)`.
    #[inline]
    pub fn sigmoid(self) -> Self {
        self.unary(Sigmoid)
    }
}
