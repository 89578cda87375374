//! The element types of tensors: numbers, and what can be computed with single ones.
//!
//! - `dual`: a number with its derivative;
//! - `math`: exponentials, logarithms and angles that vectorize;
//! - `gemm`: matrix products of raw slices.
//!
//! Nothing here knows of tensors or shapes. `Scalar` is sealed: recycled storage relies on every
//! bit pattern being a valid value.

#[allow(unsafe_code)]
pub(crate) mod dual;
#[allow(unsafe_code)]
pub(crate) mod gemm;
mod math;

use gemm::Product;
use num_traits::{NumAssignOps, NumOps};
use std::fmt::{Debug, Display};
use std::ops::Neg;

mod sealed {
    /// Restricts [`Scalar`](super::Scalar) to types that are plain floating-point data.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A [`Scalar`] that is a plain number: [`f32`] or [`f64`].
pub trait Real: Scalar {
    /// The name of the dual numbers over this type.
    #[doc(hidden)]
    const DUAL_NAME: &'static str;
    /// Writes `values` to as many bytes as they take, little-endian.
    #[doc(hidden)]
    fn to_bytes(values: &[Self], bytes: &mut [u8]);
    /// The reverse of [`to_bytes`](Real::to_bytes).
    #[doc(hidden)]
    fn from_bytes(bytes: &[u8], values: &mut [Self]);
}

macro_rules! real {
    ($t:ident, $dual:literal) => {
        impl Real for $t {
            const DUAL_NAME: &'static str = $dual;

            fn to_bytes(values: &[$t], bytes: &mut [u8]) {
                for (value, bytes) in values.iter().zip(bytes.as_chunks_mut().0) {
                    *bytes = value.to_le_bytes();
                }
            }
            fn from_bytes(bytes: &[u8], values: &mut [$t]) {
                for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                    *value = $t::from_le_bytes(*bytes);
                }
            }
        }
    };
}
real!(f32, "Dual<f32>");
real!(f64, "Dual<f64>");

/// An element type: [`f32`], [`f64`], or [`Dual`](crate::Dual) numbers over one of them.
///
/// `exp`, `exp_m1`, `ln`, `ln_1p`, `atan`, `atan2`, `tanh` and `sigmoid` are branch-free, so loops
/// over them vectorize; they are within 3 units in the last place over the whole range, with NaN
/// and infinities as IEEE 754 has them. `erf` and `erfc` are those of `libm`, the other functions
/// those of the standard library.
pub trait Scalar:
    sealed::Sealed
    + Copy
    + Send
    + Sync
    + Debug
    + Display
    + Default
    + PartialEq
    + PartialOrd
    + NumOps
    + NumAssignOps
    + Neg<Output = Self>
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Not a number.
    const NAN: Self;
    /// The type's name as messages have it: `f32`, `f64`.
    const NAME: &'static str;

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

    /// Whether the type carries tangents.
    #[doc(hidden)]
    const HAS_TANGENT: bool = false;
    /// This value as a function of `x` that has the given slope there: the tangent, if there is
    /// one, is `slope` times that of `x`.
    #[doc(hidden)]
    #[inline(always)]
    fn with_slope(self, x: Self, slope: impl FnOnce() -> Self) -> Self {
        let _ = (x, slope);
        self
    }
    /// The tangent, if there is one, as a number whose own tangent is 0.
    #[doc(hidden)]
    #[inline(always)]
    fn tangent(self) -> Self {
        Self::ZERO
    }
    /// This value with this tangent, if it can have one.
    #[doc(hidden)]
    #[inline(always)]
    fn with_tangent(self, tangent: Self) -> Self {
        let _ = tangent;
        self
    }
    /// This value with the tangent, if there is one, of another.
    #[doc(hidden)]
    #[inline(always)]
    fn with_tangent_of(self, other: Self) -> Self {
        let _ = other;
        self
    }

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

    /// `c = a b`, or `c += a b`: the matrix product of this type.
    #[doc(hidden)]
    fn gemm(product: Product<'_, Self>);
}

macro_rules! scalar {
    ($t:ident, $math:ident, $erf:path, $erfc:path) => {
        impl Scalar for $t {
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            const NAN: $t = $t::NAN;
            const NAME: &'static str = stringify!($t);

            #[inline(always)]
            fn from_f64(x: f64) -> $t {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn mul_add(self, a: $t, b: $t) -> $t {
                $t::mul_add(self, a, b)
            }
            #[inline(always)]
            fn sqrt(self) -> $t {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn exp(self) -> $t {
                math::$math::exp(self)
            }
            #[inline(always)]
            fn exp_m1(self) -> $t {
                math::$math::exp_m1(self)
            }
            #[inline(always)]
            fn ln(self) -> $t {
                math::$math::ln(self)
            }
            #[inline(always)]
            fn ln_1p(self) -> $t {
                math::$math::ln_1p(self)
            }
            #[inline(always)]
            fn sin(self) -> $t {
                $t::sin(self)
            }
            #[inline(always)]
            fn cos(self) -> $t {
                $t::cos(self)
            }
            #[inline(always)]
            fn atan(self) -> $t {
                math::$math::atan(self)
            }
            #[inline(always)]
            fn atan2(self, x: $t) -> $t {
                math::$math::atan2(self, x)
            }
            #[inline(always)]
            fn powf(self, exponent: $t) -> $t {
                $t::powf(self, exponent)
            }
            #[inline(always)]
            fn erf(self) -> $t {
                $erf(self)
            }
            #[inline(always)]
            fn erfc(self) -> $t {
                $erfc(self)
            }
            #[inline(always)]
            fn abs(self) -> $t {
                $t::abs(self)
            }
            #[inline(always)]
            fn sign(self) -> $t {
                if self > 0.0 {
                    1.0
                } else if self < 0.0 {
                    -1.0
                } else {
                    self - self // 0 for 0, NaN for NaN
                }
            }
            #[inline(always)]
            fn floor(self) -> $t {
                $t::floor(self)
            }
            #[inline(always)]
            fn ceil(self) -> $t {
                $t::ceil(self)
            }
            #[inline(always)]
            fn round_ties_even(self) -> $t {
                $t::round_ties_even(self)
            }
            #[inline(always)]
            fn trunc(self) -> $t {
                $t::trunc(self)
            }
            #[inline(always)]
            fn tanh(self) -> $t {
                math::$math::tanh(self)
            }
            #[inline(always)]
            fn sigmoid(self) -> $t {
                math::$math::sigmoid(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline]
            fn gemm(product: Product<'_, $t>) {
                gemm::$math(product);
            }
        }
    };
}
scalar!(f32, single, libm::erff, libm::erfcf);
scalar!(f64, double, libm::erf, libm::erfc);
