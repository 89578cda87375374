//! `exp`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Exp = "exp";
    value: |x| x.exp();
    derivative: |_, y| y;
}

/// # Exponentials and waves
impl<T: Scalar> Var<'_, T> {
    /// e to the power of each element: `y = exp(x)`, `dy/dx = y`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(0.0));
    /// let y = x.exp();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (1.0, 1.0));
    /// ```
    #[inline]
    pub fn exp(self) -> Self {
        self.unary(Exp)
    }
}
