//! `abs`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Abs = "abs";
    value: |x| x.abs();
    derivative: |x, _| x.sign();
}

impl<T: Scalar> Var<'_, T> {
    /// The absolute value of each element: `y = |x|`, `dy/dx = sign(x)`, 0 at 0 (as PyTorch has it).
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-2.0, 0.0, 3.0], [3]));
    /// let y = x.abs();
    /// assert_eq!(y.value().to_vec(), [2.0, 0.0, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [-1.0, 0.0, 1.0]);
    /// ```
    #[inline]
    pub fn abs(self) -> Self {
        self.unary(Abs)
    }
}
