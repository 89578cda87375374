//! `relu`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Relu = "relu";
    value: |x| if x < T::ZERO { T::ZERO } else { x };
    derivative: |x, _| if x <= T::ZERO { T::ZERO } else { T::ONE };
}

impl<T: Scalar> Var<'_, T> {
    /// The positive part of each element: `y = max(x, 0)`, `dy/dx = 1` where `x > 0`, else 0.
    ///
    /// At 0 the gradient is 0 (as PyTorch has it). NaN stays NaN, and passes the gradient on.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-2.0, 0.0, 3.0], [3]));
    /// let y = x.relu();
    /// assert_eq!(y.value().to_vec(), [0.0, 0.0, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.0, 1.0]);
    /// ```
    #[inline]
    pub fn relu(self) -> Self {
        self.unary(Relu)
    }
}
