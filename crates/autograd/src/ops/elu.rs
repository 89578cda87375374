//! `elu`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Elu { alpha } = "elu";
    value: |x| if x > T::ZERO { x } else { alpha * x.exp_m1() };
    derivative: |x, _| if x > T::ZERO { T::ONE } else { alpha * x.exp() };
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x` where it is positive, `y = alpha (exp(x) - 1)` elsewhere: `dy/dx = 1` where `x > 0`, else `y + alpha`.
    ///
    /// At 0 the gradient is `alpha` (as PyTorch has it).
    ///
    /// Clevert, Unterthiner and Hochreiter 2016, "Fast and accurate deep network learning by exponential linear units".
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1e9, 0.0, 3.0], [3]));
    /// let y = x.elu(2.0);
    /// assert_eq!(y.value().to_vec(), [-2.0, 0.0, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 2.0, 1.0]);
    /// ```
    #[inline]
    pub fn elu(self, alpha: f64) -> Self {
        self.unary(Elu { alpha })
    }
}
