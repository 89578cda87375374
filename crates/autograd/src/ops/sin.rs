//! `sin`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Sin = "sin";
    value: |x| x.sin();
    derivative: |x, _| x.cos();
}

impl<T: Scalar> Var<'_, T> {
    /// The sine of each element, in radians: `y = sin x`, `dy/dx = cos x`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(0.0));
    /// let y = x.sin();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (0.0, 1.0));
    /// ```
    #[inline]
    pub fn sin(self) -> Self {
        self.unary(Sin)
    }
}
