//! `logsigmoid`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Logsigmoid = "logsigmoid";
    value: |x| (if x < T::ZERO { x } else { T::ZERO }) - (-x.abs()).exp().ln_1p();
    derivative: |x, _| (-x).sigmoid();
}

impl<T: Scalar> Var<'_, T> {
    /// `y = ln sigmoid(x)` of each element, finite wherever `x` is: `dy/dx = sigmoid(-x)`. It is `-softplus(-x)`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1e4, 0.0, 1e4], [3]));
    /// let y = x.logsigmoid();
    /// assert_eq!(y.value().to_vec(), [-1e4, -2f64.ln(), 0.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 0.5, 0.0]);
    /// ```
    #[inline]
    pub fn logsigmoid(self) -> Self {
        self.unary(Logsigmoid)
    }
}
