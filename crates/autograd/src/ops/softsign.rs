//! `softsign`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Softsign = "softsign";
    value: |x| if x.abs().is_finite() { x / (T::ONE + x.abs()) } else { x.sign() };
    derivative: |x, _| {
        let s = T::ONE / (T::ONE + x.abs());
        s * s
    };
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x / (1 + |x|)` of each element, between -1 and 1: `dy/dx = 1 / (1 + |x|)²`.
    ///
    /// Turian, Bergstra and Bengio 2009, "Quadratic features and deep architectures for chunking".
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1.0, 0.0, f64::INFINITY], [3]));
    /// let y = x.softsign();
    /// assert_eq!(y.value().to_vec(), [-0.5, 0.0, 1.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.25, 1.0, 0.0]);
    /// ```
    #[inline]
    pub fn softsign(self) -> Self {
        self.unary(Softsign)
    }
}
