//! `sigmoid`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Sigmoid = "sigmoid";
    value: |x| x.sigmoid();
    derivative: |_, y| y * (T::ONE - y);
}

impl<T: Scalar> Var<'_, T> {
    /// The logistic function of each element: `y = 1 / (1 + exp(-x))`, `dy/dx = y (1 - y)`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(0.0));
    /// let y = x.sigmoid();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (0.5, 0.25));
    /// ```
    #[inline]
    pub fn sigmoid(self) -> Self {
        self.unary(Sigmoid)
    }
}
