//! `ln1p`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Ln1p = "ln1p";
    value: |x| x.ln_1p();
    derivative: |x, _| T::ONE / (T::ONE + x);
}

impl<T: Scalar> Var<'_, T> {
    /// `y = ln(1 + x)` of each element, exact near 0: `dy/dx = 1 / (1 + x)`.
    ///
    /// At -1 it is minus infinity and the gradient infinite; below -1 it is NaN, and the gradient as given.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(1e-20));
    /// let y = x.ln1p();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (1e-20, 1.0));
    /// ```
    #[inline]
    pub fn ln1p(self) -> Self {
        self.unary(Ln1p)
    }
}
