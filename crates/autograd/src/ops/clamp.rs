//! `clamp`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Clamp { min, max } = "clamp";
    value: |x| if x < min { min } else if x > max { max } else { x };
    derivative: |x, _| if x > min && x < max { T::ONE } else { T::ZERO };
}

impl<T: Scalar> Var<'_, T> {
    /// Each element, kept between `min` and `max`: `dy/dx = 1` for `min < x < max`, else 0, at the ends, too (as
    /// PyTorch 2.15 has it). NaN stays NaN.
    #[inline]
    pub fn clamp(self, min: f64, max: f64) -> Self {
        self.unary(Clamp { min, max })
    }

    /// Each element, kept between -1 and 1: [`clamp`](Var::clamp).
    #[inline]
    pub fn hardtanh(self) -> Self {
        self.clamp(-1.0, 1.0)
    }
}
