//! What can be computed with a single number.

use num_traits::{NumAssignOps, NumOps};
use std::fmt::Debug;
use std::ops::Neg;

/// A number that a function can be written over: [`f32`], [`f64`], or one that carries derivatives along, as
/// [`Dual`](crate::Dual) does. A function generic in its number is written once, and computed with whichever is
/// needed, nested to any depth.
///
/// ```
/// use unspool::Number;
/// use unspool::tensor::Dual;
///
/// fn softplus<N: Number>(x: N) -> N {
///     x.exp().ln_1p()
/// }
///
/// let slope = softplus(Dual { value: 0.0, tangent: 1.0 }).tangent;
/// assert_eq!(slope, 0.5);
/// ```
///
/// `exp`, `exp_m1`, `ln`, `ln_1p`, `atan`, `atan2`, `tanh` and `sigmoid` are branch-free, so loops
/// over them vectorize; they are within 3 units in the last place over the whole range, with NaN
/// and infinities as IEEE 754 has them. `erf`, `erfc` and `lgamma` are those of `libm`, the other
/// functions but `polygamma` those of the standard library.
///
/// Numbers are compared by their values alone.
pub trait Number: Copy + Debug + PartialEq + PartialOrd + NumOps + NumAssignOps + Neg<Output = Self> {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Not a number.
    const NAN: Self;

    /// The nearest value to `x`.
    fn from_f64(x: f64) -> Self;
    /// This value, exactly.
    fn to_f64(self) -> f64;
    /// `self * a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// e to the power of `self`.
    fn exp(self) -> Self;
    /// `exp(x) - 1`, exact near 0.
    fn exp_m1(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// `ln(1 + x)`, exact near 0.
    fn ln_1p(self) -> Self;
    /// The sine.
    fn sin(self) -> Self;
    /// The cosine.
    fn cos(self) -> Self;
    /// Whether [`sin_cos_of_short`](Number::sin_cos_of_short) takes this angle.
    #[doc(hidden)]
    #[inline(always)]
    fn is_short_angle(self) -> bool {
        true
    }
    /// The sine and the cosine of an angle that is not too large, without branches.
    #[doc(hidden)]
    #[inline(always)]
    fn sin_cos_of_short(self) -> (Self, Self) {
        (self.sin(), self.cos())
    }
    /// The arc tangent, between `-pi / 2` and `pi / 2`.
    fn atan(self) -> Self;
    /// The angle of the point `(x, self)`, between `-pi` and `pi`.
    fn atan2(self, x: Self) -> Self;
    /// `self` to the power of `exponent`.
    fn powf(self, exponent: Self) -> Self;
    /// The error function, `2 / sqrt(pi)` times the integral of `exp(-t²)` from 0 to `self`.
    fn erf(self) -> Self;
    /// `1 - erf(self)`, exact where that is small.
    fn erfc(self) -> Self;
    /// The logarithm of the absolute value of the gamma function, `ln |gamma(self)|`.
    fn lgamma(self) -> Self;
    /// The derivative of order `order + 1` of [`lgamma`](Number::lgamma): of order 0 the digamma function, of order 1
    /// the trigamma function, and so on.
    fn polygamma(self, order: u32) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// The sign: -1, 0 or 1; NaN for NaN.
    fn sign(self) -> Self;
    /// The largest integer that is not greater.
    fn floor(self) -> Self;
    /// The smallest integer that is not less.
    fn ceil(self) -> Self;
    /// The nearest integer, the even one of two.
    fn round_ties_even(self) -> Self;
    /// The integer part, toward zero.
    fn trunc(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The logistic function, `1 / (1 + exp(-x))`.
    fn sigmoid(self) -> Self;
    /// Whether the value is NaN.
    #[allow(clippy::eq_op)]
    #[inline(always)]
    fn is_nan(self) -> bool {
        self != self
    }
    /// Whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// Whether the value is 0, and every derivative that it carries.
    #[doc(hidden)]
    fn is_zero(self) -> bool;

    /// The slopes of `self.atan2(x)` with respect to `self` and `x`: `x / r²` and `-self / r²` with
    /// `r² = x² + self²`, and 0 at the origin. Both are divided by the larger one first, so that no
    /// square overflows.
    #[doc(hidden)]
    #[inline(always)]
    fn atan2_slopes(self, x: Self) -> [Self; 2] {
        let is_steep = self.abs() > x.abs();
        let largest = if is_steep { self.abs() } else { x.abs() };
        let largest = if largest == Self::ZERO { Self::ONE } else { largest };
        let (v, u) = if is_steep { (self.sign(), x / largest) } else { (self / largest, x.sign()) };
        let square = u * u + v * v;
        let square = if square == Self::ZERO { Self::ONE } else { square };
        [u / square / largest, -v / square / largest]
    }
}
