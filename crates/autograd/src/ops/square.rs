//! `square`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Square = "square";
    value: |x| x * x;
    derivative: |x, _| x + x;
}

/// # Arithmetic
impl<T: Scalar> Var<'_, T> {
    /// The square of each element: `y = x²`, `dy/dx = 2 x`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![3.0, -1.0], [2]));
    /// let y = x.square();
    /// assert_eq!(y.value().to_vec(), [9.0, 1.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [6.0, -2.0]);
    /// ```
    #[inline]
    pub fn square(self) -> Self {
        self.unary(Square)
    }
}
