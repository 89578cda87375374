//! Numbers, and which of them are element types of tensors.
//!
//! - `number`: what can be computed with a single one;
//! - `dual`: a number with its derivative; `tangents`: with several;
//! - `nested`: a number whose gradients can be differentiated;
//! - `math`, `sines`: exponentials, logarithms, angles, sines and cosines that vectorize;
//! - `gamma`: the derivatives of the logarithm of the gamma function;
//! - `gemm`: matrix products of slices; `kernel`: those of raw memory.
//!
//! Nothing here knows of shapes. `Scalar` is sealed: recycled storage relies on every
//! bit pattern being a valid value.

#[allow(unsafe_code)]
pub(crate) mod dual;
mod gamma;
#[allow(unsafe_code)]
pub(crate) mod gemm;
#[allow(unsafe_code)]
mod kernel;
mod math;
#[allow(unsafe_code)]
pub(crate) mod nested;
pub(crate) mod number;
mod sines;
#[allow(unsafe_code)]
pub(crate) mod tangents;

use gemm::Product;
use number::Number;
use std::fmt::Display;

mod sealed {
    /// Restricts [`Scalar`](super::Scalar) to types that are plain floating-point data.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A [`Scalar`] that is a plain number: [`f32`] or [`f64`].
///
/// ```
/// use unspool::Tensor;
/// use unspool::tensor::Real;
/// fn as_numbers<T: Real>(bytes: &[u8]) -> Tensor<T> {
///     Tensor::from_fn([bytes.len()], |i| T::from_f64(f64::from(bytes[i]) / 255.0))
/// }
/// assert_eq!(as_numbers::<f32>(&[0, 255]).to_vec(), [0.0, 1.0]);
/// ```
pub trait Real: Scalar {
    /// Writes `values` to as many bytes as they take, little-endian.
    #[doc(hidden)]
    fn to_bytes(values: &[Self], bytes: &mut [u8]);
    /// The reverse of [`to_bytes`](Real::to_bytes).
    #[doc(hidden)]
    fn from_bytes(bytes: &[u8], values: &mut [Self]);
}

macro_rules! real {
    ($t:ident) => {
        impl Real for $t {
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
real!(f32);
real!(f64);

/// An element type of tensors: [`f32`], [`f64`], or over one of these [`Dual`](crate::Dual) or
/// [`Nested`](crate::Nested) numbers, or [`Tangents`](crate::Tangents).
///
/// ```
/// use unspool::{Scalar, Tensor, Var};
/// /// For tensors of any element type, and so for `gradcheck`, too.
/// fn scaled<'t, T: Scalar>(x: Var<'t, T>, by: &Tensor<T>) -> Var<'t, T> {
///     x * x.tape().constant(by)
/// }
/// assert_eq!((f32::NAME, f64::NAME), ("f32", "f64"));
/// ```
pub trait Scalar: sealed::Sealed + Number + Send + Sync + Display + Default + 'static {
    /// The type's name as messages have it: `f32`, `f64`.
    const NAME: &'static str;
    /// The name of the dual numbers over this type.
    #[doc(hidden)]
    const DUAL_NAME: &'static str;
    /// The name of the nested numbers over this type.
    #[doc(hidden)]
    const NESTED_NAME: &'static str;

    /// These numbers with one more derivative, over which a tape runs the rules of ops to differentiate
    /// its gradients; this type where they are not differentiated again.
    #[doc(hidden)]
    type Lifted: Scalar;
    /// Whether these numbers have lifted ones, as [`Nested`](crate::Nested) numbers and
    /// [`Forward`](crate::Forward) ones: then a tape keeps what their ops read.
    #[doc(hidden)]
    const NESTS: bool = false;
    /// How many numbers of this type, one after the other in memory, make a lifted one; 0 if it is not made like
    /// that.
    #[doc(hidden)]
    const PARTS: usize = 0;
    /// This number with the tangent.
    #[doc(hidden)]
    fn lifted(self, tangent: Self) -> Self::Lifted;
    /// The number that was lifted, and the tangent.
    #[doc(hidden)]
    fn unlifted(lifted: Self::Lifted) -> (Self, Self);

    /// How many tangents a number carries.
    #[doc(hidden)]
    const TANGENTS: usize = 0;
    /// This value as a function of `x` that has the given slope there: the tangent, if there is
    /// one, is `slope` times that of `x`.
    #[doc(hidden)]
    #[inline(always)]
    fn with_slope(self, x: Self, slope: impl FnOnce() -> Self) -> Self {
        let _ = (x, slope);
        self
    }
    /// Tangent `k` as a number whose own tangents are 0.
    #[doc(hidden)]
    #[inline(always)]
    fn tangent(self, k: usize) -> Self {
        let _ = k;
        Self::ZERO
    }
    /// This value with another tangent `k`.
    #[doc(hidden)]
    #[inline(always)]
    fn with_tangent(self, k: usize, tangent: Self) -> Self {
        let _ = (k, tangent);
        self
    }
    /// This value with the tangents, if there are any, of another.
    #[doc(hidden)]
    #[inline(always)]
    fn with_tangent_of(self, other: Self) -> Self {
        let _ = other;
        self
    }

    /// The magnitude below which gradients are flushed to 0: sums and differences of numbers that
    /// are not below it are multiples of the smallest normal number, and their products with a factor of at least
    /// the precision are not below that. 0 for numbers with derivatives, which would lose them.
    #[doc(hidden)]
    const TINY: Self = Self::ZERO;
    /// The smallest positive number that is not subnormal; 0 for numbers with derivatives.
    #[doc(hidden)]
    const SMALLEST_NORMAL: Self = Self::ZERO;
    /// This number, or 0 if its magnitude is below `least`; itself if it has derivatives.
    ///
    /// ```
    /// use unspool::Scalar;
    /// assert_eq!([1e-31_f64.flush(1e-30), (-1e-29_f64).flush(1e-30)], [0.0, -1e-29]);
    /// ```
    #[inline(always)]
    fn flush(self, least: Self) -> Self {
        let _ = least;
        self
    }

    /// `c = a b`, or `c += a b`: the matrix product of this type.
    #[doc(hidden)]
    fn gemm(product: Product<'_, Self>);
}

macro_rules! scalar {
    ($t:ident, $math:ident, $erf:path, $erfc:path, $lgamma:path) => {
        impl Scalar for $t {
            const NAME: &'static str = stringify!($t);
            const DUAL_NAME: &'static str = concat!("Dual<", stringify!($t), ">");
            const NESTED_NAME: &'static str = concat!("Nested<", stringify!($t), ">");

            type Lifted = $t;
            #[inline(always)]
            fn lifted(self, _tangent: $t) -> $t {
                self
            }
            #[inline(always)]
            fn unlifted(lifted: $t) -> ($t, $t) {
                (lifted, 0.0)
            }

            const TINY: $t = $t::MIN_POSITIVE / $t::EPSILON;
            const SMALLEST_NORMAL: $t = $t::MIN_POSITIVE;
            #[inline(always)]
            fn flush(self, least: $t) -> $t {
                if self.abs() < least { 0.0 } else { self }
            }

            #[inline(never)] // into the crates above
            fn gemm(product: Product<'_, $t>) {
                gemm::multiply(product);
            }
        }

        impl Number for $t {
            const ZERO: $t = 0.0;
            const ONE: $t = 1.0;
            const NAN: $t = $t::NAN;

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
            fn is_short_angle(self) -> bool {
                self.abs() <= sines::$math::LIMIT
            }
            #[inline(always)]
            fn sin_cos_of_short(self) -> ($t, $t) {
                sines::$math::sin_cos(self)
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
            fn lgamma(self) -> $t {
                $lgamma(self)
            }
            #[inline(always)]
            fn polygamma(self, order: u32) -> $t {
                gamma::polygamma(order, f64::from(self)) as $t
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
            #[inline(always)]
            fn is_zero(self) -> bool {
                self == 0.0
            }
        }
    };
}
scalar!(f32, single, libm::erff, libm::erfcf, libm::lgammaf);
scalar!(f64, double, libm::erf, libm::erfc, libm::lgamma);
