//! `sign`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Sign = "sign";
    value: |x| x.sign();
    derivative: |_, _| T::ZERO;
}

impl<T: Scalar> Var<'_, T> {
    /// -1, 0 or 1, as each element is negative, zero or positive: `dy/dx = 0` everywhere. NaN stays NaN.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-2.0, 0.0, 3.0], [3]));
    /// let y = x.sign();
    /// assert_eq!(y.value().to_vec(), [-1.0, 0.0, 1.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.0, 0.0]);
    /// ```
    #[inline]
    pub fn sign(self) -> Self {
        self.unary(Sign)
    }
}
