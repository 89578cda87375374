//! `atan` and `atan2`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Atan = "atan";
    value: |x| x.atan();
    derivative: |x, _| T::ONE / (T::ONE + x * x);
}

elementwise! {
    struct Atan2 = "atan2";
    value: |[y, x]| y.atan2(x);
    gradients: |[y, x], _, d| {
        let [by_y, by_x] = y.atan2_slopes(x);
        [d * by_y, d * by_x]
    };
}

impl<T: Scalar> Var<'_, T> {
    /// The arc tangent of each element, between `-pi / 2` and `pi / 2`: `dy/dx = 1 / (1 + x²)`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, 1.0, f64::NEG_INFINITY], [3]));
    /// let y = x.atan();
    /// assert_eq!(y.value().to_vec(), [0.0, std::f64::consts::FRAC_PI_4, -std::f64::consts::FRAC_PI_2]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 0.5, 0.0]);
    /// ```
    #[inline]
    pub fn atan(self) -> Self {
        self.unary(Atan)
    }

    /// The angle of each point `(x, y)`, `y.atan2(x)`, between `-pi` and `pi` from the axis of positive `x`. The shapes
    /// broadcast. With `r² = x² + y²`, the gradient is `x / r²` with respect to `y` and `-y / r²` with respect to `x`.
    ///
    /// At the origin the angle is 0 or `pi`, by the sign of its zeros as IEEE 754 has it, and both gradients are 0 (as PyTorch
    /// has them).
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let y = tape.variable(&Tensor::from_vec(vec![2.0, 0.0, 0.0], [3]));
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, -4.0, 0.0], [3]));
    /// let angle = y.atan2(x);
    /// assert_eq!(angle.value().to_vec(), [std::f64::consts::FRAC_PI_2, std::f64::consts::PI, 0.0]);
    /// let gradients = angle.sum().backward();
    /// assert_eq!(gradients.wrt(y).to_vec(), [0.0, -0.25, 0.0]);
    /// assert_eq!(gradients.wrt(x).to_vec(), [-0.5, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn atan2(self, x: Self) -> Self {
        self.tape.apply(Atan2, &[self, x])
    }
}
