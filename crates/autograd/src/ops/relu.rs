//! `relu`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Relu = "relu";
    value: |x| if x < T::ZERO { T::ZERO } else { x };
    derivative: |x, _| if x > T::ZERO { T::ONE } else { T::ZERO };
}

impl<T: Scalar> Var<'_, T> {
    /// The positive part of each element, `max(x, 0)`: `dy/dx = 1` where `x > 0`, else 0 (at 0, too, as PyTorch has it).
    /// NaN stays NaN.
    #[inline]
    pub fn relu(self) -> Self {
        self.unary(Relu)
    }
}
