//! `x` times a smooth gate of `x`.

use crate::elementwise;
use crate::tape::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Silu = "silu";
    value: |x| at_least(-FAR, x) * x.sigmoid();
    derivative: |x, _| x.sigmoid() * (T::ONE + within(FAR, x) * (-x).sigmoid());
}

/// Beyond this distance from 0, the function and its slope have their values at infinity, in every
/// type.
const FAR: f64 = 800.0;

/// `x`, but at least `least`: minus infinity must not be multiplied by 0.
#[inline(always)]
pub(super) fn at_least<T: Scalar>(least: f64, x: T) -> T {
    if x < T::from_f64(least) { T::from_f64(least) } else { x }
}

/// `x`, clamped to `-far` and `far`.
#[inline(always)]
pub(super) fn within<T: Scalar>(far: f64, x: T) -> T {
    if x > T::from_f64(far) { T::from_f64(far) } else { at_least(-far, x) }
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x s` of each element, with `s = sigmoid(x)`: `dy/dx = s (1 + x (1 - s))`.
    ///
    /// Elfwing, Uchibe and Doya 2018, "Sigmoid-weighted linear units".
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, 1e4], [2]));
    /// let y = x.silu();
    /// assert_eq!(y.value().to_vec(), [0.0, 1e4]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 1.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn silu(self) -> Self {
        self.unary(Silu)
    }
}

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

/// `t = tanh(softplus(x))`, by `tanh(ln w) = (w² - 1) / (w² + 1)` with `w = 1 + exp(x)`, and its
/// slope `(1 - t²) sigmoid(x)`: both as fractions in `e = exp(-|x|)`, where nothing overflows or
/// cancels.
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
    /// `y = x t` of each element, with `t = tanh(softplus(x))`:
    /// `dy/dx = t + x (1 - t²) sigmoid(x)`.
    ///
    /// Misra 2019, "Mish: a self regularized non-monotonic activation function".
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1e4, 0.0, 1e4], [3]));
    /// let y = x.mish();
    /// assert_eq!(y.value().to_vec(), [0.0, 0.0, 1e4]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.6, 1.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn mish(self) -> Self {
        self.unary(Mish)
    }
}
