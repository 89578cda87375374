//! `silu`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Silu = "silu";
    value: |x| x * x.sigmoid();
    derivative: |x, y| x.sigmoid() + y * (T::ONE - x.sigmoid());
}

impl<T: Scalar> Var<'_, T> {
    /// `x sigmoid(x)` of each element: `dy/dx = s + y (1 - s)` with `s = sigmoid(x)`.
    /// 
    /// Elfwing, Uchibe and Doya 2018, "Sigmoid-weighted linear units".
    #[inline]
    pub fn silu(self) -> Self {
        self.unary(Silu)
    }
}
