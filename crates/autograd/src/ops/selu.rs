//! `selu`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

/// By which the mean 0 and the variance 1 of the inputs stay those of the outputs.
const SCALE: f64 = 1.050_700_987_355_480_5;
const SCALE_ALPHA: f64 = SCALE * 1.673_263_242_354_377_2;

elementwise! {
    struct Selu = "selu";
    value: |x| if x > T::ZERO { T::from_f64(SCALE) * x } else { T::from_f64(SCALE_ALPHA) * x.exp_m1() };
    derivative: |x, _| if x > T::ZERO { T::from_f64(SCALE) } else { T::from_f64(SCALE_ALPHA) * x.exp() };
}

impl<T: Scalar> Var<'_, T> {
    /// `y = s x` where it is positive, `y = s a (exp(x) - 1)` elsewhere, with `s = 1.0507..` and `a = 1.6733..`: `dy/dx = s` where
    /// `x > 0`, else `s a exp(x)`.
    ///
    /// At 0 the gradient is `s a` (as PyTorch has it).
    ///
    /// Klambauer et al. 2017, "Self-normalizing neural networks".
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1e9, 0.0, 1.0], [3]));
    /// let y = x.selu();
    /// assert_eq!(y.value().to_vec(), [-1.7580993408473766, 0.0, 1.0507009873554805]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.7580993408473766, 1.0507009873554805]);
    /// ```
    #[inline]
    pub fn selu(self) -> Self {
        self.unary(Selu)
    }
}
