//! `ln`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Ln = "ln";
    value: |x| x.ln();
    derivative: |x, _| T::ONE / x;
}

impl<T: Scalar> Var<'_, T> {
    /// The natural logarithm of each element: `y = ln x`, `dy/dx = 1 / x`.
    ///
    /// At 0 it is minus infinity and the gradient infinite; below 0 it is NaN, and the gradient still `1 / x`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 0.0], [2]));
    /// let y = x.ln();
    /// assert_eq!(y.value().to_vec(), [0.0, f64::NEG_INFINITY]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, f64::INFINITY]);
    /// ```
    #[inline]
    pub fn ln(self) -> Self {
        self.unary(Ln)
    }
}
