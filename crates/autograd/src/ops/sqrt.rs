//! `sqrt`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Sqrt = "sqrt";
    value: |x| x.sqrt();
    derivative: |_, y| T::ONE / (y + y);
}

impl<T: Scalar> Var<'_, T> {
    /// The square root of each element: `y = sqrt(x)`, `dy/dx = 1 / (2 y)`.
    ///
    /// The gradient is infinite at 0; below 0 both are NaN (as PyTorch has it).
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![4.0, 0.0], [2]));
    /// let y = x.sqrt();
    /// assert_eq!(y.value().to_vec(), [2.0, 0.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.25, f64::INFINITY]);
    /// ```
    #[inline]
    pub fn sqrt(self) -> Self {
        self.unary(Sqrt)
    }
}
