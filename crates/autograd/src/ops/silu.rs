//! `silu`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Silu = "silu";
    value: |x| x * x.sigmoid();
    derivative: |x, y| x.sigmoid() + y * (T::ONE - x.sigmoid());
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x s` of each element, with `s = sigmoid(x)`: `dy/dx = s + y (1 - s)`.
    ///
    /// Elfwing, Uchibe and Doya 2018, "Sigmoid-weighted linear units".
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, 1e4], [2]));
    /// let y = x.silu();
    /// assert_eq!(y.value().to_vec(), [0.0, 1e4]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 1.0]);
    /// ```
    #[inline]
    pub fn silu(self) -> Self {
        self.unary(Silu)
    }
}
