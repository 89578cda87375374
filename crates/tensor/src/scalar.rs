//! The element types of tensors.

use crate::math;
use num_traits::{NumAssignOps, NumOps};
use std::fmt::{Debug, Display};
use std::ops::Neg;

mod sealed {
    /// Keeps [`Scalar`](super::Scalar) to types that are plain floating-point data: recycled storage relies on
    /// every bit pattern being a valid value.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// An element type: [`f32`] or [`f64`].
///
/// The transcendental functions are branch-free, so loops over them vectorise; they are within 3 units in the
/// last place over the whole range, with NaN and infinities as IEEE 754 has them.
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
    /// The type's name, as it stands in messages: `f32`, `f64`.
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
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The logistic function, `1 / (1 + exp(-x))`.
    fn sigmoid(self) -> Self;
    /// Whether the value is neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// `c = a b`, or `c += a b` if `add`: the product crate's entry for this type.
    #[doc(hidden)]
    fn gemm(product: crate::matmul::Product<'_, Self>);
}

macro_rules! scalar {
    ($t:ident, $math:ident) => {
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
            fn gemm(product: crate::matmul::Product<'_, $t>) {
                crate::matmul::$math(product);
            }
        }
    };
}
scalar!(f32, single);
scalar!(f64, double);
