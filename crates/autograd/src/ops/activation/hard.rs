//! Piecewise stand-ins for smooth activations.

use crate::elementwise;
use crate::tape::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Hardsigmoid = "hardsigmoid";
    value: |x| {
        let y = x / T::from_f64(6.0) + T::from_f64(0.5);
        if y < T::ZERO { T::ZERO } else if y > T::ONE { T::ONE } else { y }
    };
    derivative: |x, _| if x > T::from_f64(-3.0) && x < T::from_f64(3.0) { T::ONE / T::from_f64(6.0) } else { T::ZERO };
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x / 6 + 1/2` of each element, clamped to 0 and 1: `dy/dx = 1/6` for `-3 < x < 3`, else
    /// 0.
    ///
    /// At -3 and 3 the gradient is 0 (as in PyTorch). NaN stays NaN.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-4.0, 0.0, 3.0], [3]));
    /// let y = x.hardsigmoid();
    /// assert_eq!(y.value().to_vec(), [0.0, 0.5, 1.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0 / 6.0, 0.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn hardsigmoid(self) -> Self {
        self.unary(Hardsigmoid)
    }

    /// Each element, clamped to -1 and 1: `dy/dx = 1` for `-1 < x < 1`, else 0. It is
    /// [`clamp(-1, 1)`](Var::clamp).
    ///
    /// At -1 and 1 the gradient is 0 (as in PyTorch). NaN stays NaN.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-2.0, 0.5, 1.0], [3]));
    /// let y = x.hardtanh();
    /// assert_eq!(y.value().to_vec(), [-1.0, 0.5, 1.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn hardtanh(self) -> Self {
        self.clamp(-1.0, 1.0)
    }
}

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
    /// `y = x hardsigmoid(x)` of each element: 0 up to -3, `x` from 3 on, `x (x + 3) / 6` between.
    /// `dy/dx` is 0, 1, and `x / 3 + 1/2` there.
    ///
    /// At -3 the gradient is 0, at 3 it is 1 (as in PyTorch). NaN stays NaN.
    ///
    /// Howard et al. 2019, "Searching for MobileNetV3".
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-3.0, 0.0, 3.0], [3]));
    /// let y = x.hardswish();
    /// assert_eq!(y.value().to_vec(), [0.0, 0.0, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.5, 1.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn hardswish(self) -> Self {
        self.unary(Hardswish)
    }
}
