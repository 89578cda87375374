//! `hardswish`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Hardswish = "hardswish";
    value: |x| {
        let three = T::from_f64(3.0);
        let y = if x <= -three { T::ZERO } else { x * ((x + three) / T::from_f64(6.0)) };
        if x >= three { x } else { y }
    };
    derivative: |x, _| {
        let three = T::from_f64(3.0);
        let slope = if x <= -three { T::ZERO } else { x / three + T::from_f64(0.5) };
        if x >= three { T::ONE } else { slope }
    };
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x hardsigmoid(x)` of each element: 0 up to -3, `x` from 3 on, `x (x + 3) / 6` between them. `dy/dx` is 0, 1, and
    /// `x / 3 + 1/2`.
    ///
    /// At -3 the gradient is 0, at 3 it is 1 (as PyTorch has it). NaN stays NaN.
    ///
    /// Howard et al. 2019, "Searching for MobileNetV3".
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-3.0, 0.0, 3.0], [3]));
    /// let y = x.hardswish();
    /// assert_eq!(y.value().to_vec(), [0.0, 0.0, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.5, 1.0]);
    /// ```
    #[inline]
    pub fn hardswish(self) -> Self {
        self.unary(Hardswish)
    }
}
