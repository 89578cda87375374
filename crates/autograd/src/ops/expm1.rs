//! `expm1`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct ExpM1 = "expm1";
    value: |x| x.exp_m1();
    derivative: |_, y| y + T::ONE;
}

impl<T: Scalar> Var<'_, T> {
    /// `y = exp(x) - 1` of each element, exact near 0: `dy/dx = y + 1`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(1e-20));
    /// let y = x.expm1();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (1e-20, 1.0));
    /// ```
    #[inline]
    pub fn expm1(self) -> Self {
        self.unary(ExpM1)
    }
}
