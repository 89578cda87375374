//! `softplus`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Softplus = "softplus";
    value: |x| (if x > T::ZERO { x } else { T::ZERO }) + (-x.abs()).exp().ln_1p();
    derivative: |x, _| x.sigmoid();
}

impl<T: Scalar> Var<'_, T> {
    /// `ln(1 + exp(x))` of each element, finite wherever `x` is: `dy/dx = sigmoid(x)`.
    #[inline]
    pub fn softplus(self) -> Self {
        self.unary(Softplus)
    }
}
