//! `reciprocal`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Reciprocal = "reciprocal";
    value: |x| T::ONE / x;
    derivative: |_, y| -y * y;
}

impl<T: Scalar> Var<'_, T> {
    /// One by each element: `y = 1 / x`, `dy/dx = -y²`; both infinite at 0.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![2.0, -4.0], [2]));
    /// let y = x.reciprocal();
    /// assert_eq!(y.value().to_vec(), [0.5, -0.25]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [-0.25, -0.0625]);
    /// ```
    #[inline]
    pub fn reciprocal(self) -> Self {
        self.unary(Reciprocal)
    }
}
