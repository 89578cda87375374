//! `mish`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Mish = "mish";
    value: |x| {
        let [t, _] = gate(x);
        if t == T::ZERO { t } else { x * t } // of minus infinity, too
    };
    derivative: |x, _| {
        let [t, slope] = gate(x);
        if slope == T::ZERO { t } else { t + x * slope }
    };
}

/// `t = tanh(softplus(x))`, by `tanh(ln w) = (w² - 1) / (w² + 1)` with `w = 1 + exp(x)`, and its slope `(1 - t²) sigmoid(x)`: both as
/// fractions of `e = exp(-|x|)`, in which nothing overflows or cancels.
#[inline(always)]
fn gate<T: Scalar>(x: T) -> [T; 2] {
    let is_right = x >= T::ZERO;
    let e = (if is_right { -x } else { x }).exp();
    let (two, four) = (T::from_f64(2.0), T::from_f64(4.0));
    let numerator = if is_right { T::ONE + two * e } else { e * (e + two) };
    let denominator = numerator + two * if is_right { e * e } else { T::ONE };
    let fall = if is_right { e * e } else { e };
    [numerator / denominator, four * (T::ONE + e) * fall / (denominator * denominator)]
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x t` of each element, with `t = tanh(softplus(x))`: `dy/dx = t + x (1 - t²) sigmoid(x)`.
    ///
    /// Misra 2019, "Mish: a self regularized non-monotonic activation function".
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1e4, 0.0, 1e4], [3]));
    /// let y = x.mish();
    /// assert_eq!(y.value().to_vec(), [0.0, 0.0, 1e4]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.6, 1.0]);
    /// ```
    #[inline]
    pub fn mish(self) -> Self {
        self.unary(Mish)
    }
}
