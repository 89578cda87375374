//! `silu`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Silu = "silu";
    value: |x| at_least(-FAR, x) * x.sigmoid();
    derivative: |x, _| x.sigmoid() * (T::ONE + within(FAR, x) * (-x).sigmoid());
}

/// From here on both ways, the function and its slope are those at infinity, in every type.
const FAR: f64 = 800.0;

/// `x`, but not below `least`: minus infinity must not meet a factor of 0.
#[inline(always)]
pub(super) fn at_least<T: Scalar>(least: f64, x: T) -> T {
    if x < T::from_f64(least) { T::from_f64(least) } else { x }
}

/// `x`, but no farther from 0 than `far`.
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
