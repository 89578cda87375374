//! `cos`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Cos = "cos";
    value: |x| x.cos();
    derivative: |x, _| -x.sin();
}

impl<T: Scalar> Var<'_, T> {
    /// The cosine of each element, in radians: `y = cos x`, `dy/dx = -sin x`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(0.0));
    /// let y = x.cos();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (1.0, 0.0));
    /// ```
    #[inline]
    pub fn cos(self) -> Self {
        self.unary(Cos)
    }
}
