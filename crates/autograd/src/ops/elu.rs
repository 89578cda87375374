//! `elu`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Elu { alpha } = "elu";
    value: |x| if x > T::ZERO { x } else { alpha * x.exp_m1() };
    derivative: |x, y| if x > T::ZERO { T::ONE } else { y + alpha };
}

impl<T: Scalar> Var<'_, T> {
    /// `x` where it is positive, `alpha (exp(x) - 1)` elsewhere: `dy/dx = 1` where `x > 0`, else `y + alpha`.
    /// 
    /// Clevert, Unterthiner and Hochreiter 2016, "Fast and accurate deep network learning by exponential linear units".
    #[inline]
    pub fn elu(self, alpha: f64) -> Self {
        self.unary(Elu { alpha })
    }
}
