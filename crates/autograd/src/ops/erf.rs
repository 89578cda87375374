//! `erf`

use crate::elementwise;
use crate::var::Var;
use std::f64::consts::FRAC_2_SQRT_PI;
use unspool_tensor::Scalar;

elementwise! {
    struct Erf = "erf";
    value: |x| x.erf();
    derivative: |x, _| T::from_f64(FRAC_2_SQRT_PI) * (-(x * x)).exp();
}

impl<T: Scalar> Var<'_, T> {
    /// The error function of each element, `2 / sqrt(pi)` times the integral of `exp(-t²)` from 0 to `x`: `dy/dx = 2 / sqrt(pi)
    /// exp(-x²)`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, -10.0], [2]));
    /// let y = x.erf();
    /// assert_eq!(y.value().to_vec(), [0.0, -1.0]);
    /// let slopes = y.sum().backward().wrt(x);
    /// assert_eq!(slopes.at([0]), std::f64::consts::FRAC_2_SQRT_PI);
    /// assert!(slopes.at([1]) < 1e-43);
    /// ```
    #[inline]
    pub fn erf(self) -> Self {
        self.unary(Erf)
    }
}
