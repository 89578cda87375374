//! `tanh`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Tanh = "tanh";
    value: |x| x.tanh();
    derivative: |_, y| T::ONE - y * y;
}

/// # Activations
impl<T: Scalar> Var<'_, T> {
    /// The hyperbolic tangent of each element: `y = tanh x`, `dy/dx = 1 - y²`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(0.0));
    /// let y = x.tanh();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (0.0, 1.0));
    /// ```
    #[inline]
    pub fn tanh(self) -> Self {
        self.unary(Tanh)
    }
}
