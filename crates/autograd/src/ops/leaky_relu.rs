//! `leaky_relu`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct LeakyRelu { slope } = "leaky_relu";
    value: |x| if x > T::ZERO { x } else { slope * x };
    derivative: |x, _| if x > T::ZERO { T::ONE } else { slope };
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x` where it is positive, `y = slope x` elsewhere: `dy/dx = 1` where `x > 0`, else `slope`.
    ///
    /// At 0 the gradient is `slope` (as PyTorch has it).
    ///
    /// Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-2.0, 0.0, 3.0], [3]));
    /// let y = x.leaky_relu(0.25);
    /// assert_eq!(y.value().to_vec(), [-0.5, 0.0, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.25, 0.25, 1.0]);
    /// ```
    #[inline]
    pub fn leaky_relu(self, slope: f64) -> Self {
        self.unary(LeakyRelu { slope })
    }
}
