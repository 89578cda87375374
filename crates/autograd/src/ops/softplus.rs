//! `softplus`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Softplus = "softplus";
    value: |x| (if x > T::ZERO { x } else { T::ZERO }) + (-x.abs()).exp().ln_1p();
    derivative: |x, _| x.sigmoid();
}

impl<T: Scalar> Var<'_, T> {
    /// `y = ln(1 + exp(x))` of each element, finite wherever `x` is: `dy/dx = sigmoid(x)`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, 1e4], [2]));
    /// let y = x.softplus();
    /// assert_eq!(y.value().to_vec(), [2f64.ln(), 1e4]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 1.0]);
    /// ```
    #[inline]
    pub fn softplus(self) -> Self {
        self.unary(Softplus)
    }
}
