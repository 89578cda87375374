//! Dual numbers: a value and its derivative in one direction.

use crate::scalar::gemm::{Matrix, Product};
use crate::scalar::number::Number;
use crate::scalar::{Scalar, sealed};
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign};

/// `value + tangent e` with `e² = 0`: a number together with its derivative in one direction.
///
/// Computing with duals instead of numbers carries the derivative along:
/// `f(x + x' e) = f(x) + f'(x) x' e`. Run the tape's gradient rules over duals, and the gradients'
/// tangents are second derivatives. Comparisons look at the value alone.
///
/// Wengert 1964, "A simple automatic derivative evaluation program"; Pearlmutter 1994, "Fast exact
/// multiplication by the Hessian".
///
/// ```
/// use unspool::Number;
/// use unspool::tensor::Dual;
/// let x = Dual { value: 3.0, tangent: 1.0 };
/// let y = x * x + x.exp();
/// assert_eq!(y.tangent, 6.0 + Number::exp(3.0));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Dual<T> {
    /// The number.
    pub value: T,
    /// Its derivative.
    pub tangent: T,
}

impl<T: Number> Dual<T> {
    /// A number whose tangent is 0.
    #[inline(always)]
    pub fn constant(value: T) -> Self {
        Dual { value, tangent: T::ZERO }
    }

    /// A function's value, with the tangent by the chain rule.
    #[inline(always)]
    fn chain(self, value: T, derivative: T) -> Self {
        Dual { value, tangent: along(derivative, self.tangent) }
    }

    /// The values and tangents of a slice, alternating.
    fn interleaved(slice: &[Self]) -> &[T] {
        // SAFETY: `repr(C)` makes a dual two `T`s without padding; the length is that of the same memory.
        unsafe { std::slice::from_raw_parts(slice.as_ptr().cast(), 2 * slice.len()) }
    }
}

// A tangent of 0 stays 0, however steep the function: 0 times an infinite slope would be NaN.
#[inline(always)]
fn along<T: Number>(slope: T, tangent: T) -> T {
    if tangent.is_zero() { T::ZERO } else { slope * tangent }
}

impl<T: Scalar> sealed::Sealed for Dual<T> {}

impl<T: Scalar> Scalar for Dual<T> {
    const NAME: &'static str = T::DUAL_NAME;
    const DUAL_NAME: &'static str = "Dual<Dual<..>>";
    const NESTED_NAME: &'static str = "Nested<Dual<..>>";
    const TANGENTS: usize = 1;

    type Lifted = Dual<T::Lifted>;
    const NESTS: bool = T::NESTS;
    #[inline(always)]
    fn lifted(self, tangent: Self) -> Self::Lifted {
        Dual { value: self.value.lifted(tangent.value), tangent: self.tangent.lifted(tangent.tangent) }
    }
    #[inline(always)]
    fn unlifted(lifted: Self::Lifted) -> (Self, Self) {
        let (value, value_tangent) = T::unlifted(lifted.value);
        let (tangent, tangent_tangent) = T::unlifted(lifted.tangent);
        (Dual { value, tangent }, Dual { value: value_tangent, tangent: tangent_tangent })
    }

    #[inline(always)]
    fn with_slope(self, x: Self, slope: impl FnOnce() -> Self) -> Self {
        let slope = slope().value;
        x.chain(self.value.with_slope(x.value, || slope), slope)
    }
    #[inline(always)]
    fn tangent(self, _: usize) -> Self {
        Dual::constant(self.tangent)
    }
    #[inline(always)]
    fn with_tangent(self, _: usize, tangent: Self) -> Self {
        Dual { value: self.value, tangent: tangent.value }
    }
    #[inline(always)]
    fn with_tangent_of(self, other: Self) -> Self {
        Dual { value: self.value.with_tangent_of(other.value), tangent: other.tangent }
    }

    /// `(a + a' e)(b + b' e) = a b + (a b' + a' b) e`: three products of the numbers below on the same
    /// memory, each of which reads and writes every second position.
    fn gemm(product: Product<'_, Self>) {
        let Product { a, b, c, row_step, spread, add } = product;
        let [(a, a_tangent), (b, b_tangent)] = [a, b].map(|m| (component(&m, 0), component(&m, 1)));
        for (x, y, which, add) in [(a, b, 0, add), (a, b_tangent, 1, add), (a_tangent, b, 1, true)] {
            // SAFETY: a dual number is its value and its tangent, in this order.
            let c = unsafe { c.cast::<T>().add(which) };
            T::gemm(Product { a: x, b: y, c, row_step, spread: 2 * spread, add });
        }
    }
}

impl<T: Number> Number for Dual<T> {
    const ZERO: Self = Dual { value: T::ZERO, tangent: T::ZERO };
    const ONE: Self = Dual { value: T::ONE, tangent: T::ZERO };
    const NAN: Self = Dual { value: T::NAN, tangent: T::NAN };

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        Dual::constant(T::from_f64(x))
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self.value.to_f64()
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        let tangent = self.value.mul_add(a.tangent, self.tangent.mul_add(a.value, b.tangent));
        Dual { value: self.value.mul_add(a.value, b.value), tangent }
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        let y = self.value.sqrt();
        self.chain(y, T::ONE / (y + y))
    }
    #[inline(always)]
    fn exp(self) -> Self {
        let y = self.value.exp();
        self.chain(y, y)
    }
    #[inline(always)]
    fn exp_m1(self) -> Self {
        self.chain(self.value.exp_m1(), self.value.exp())
    }
    #[inline(always)]
    fn ln(self) -> Self {
        self.chain(self.value.ln(), T::ONE / self.value)
    }
    #[inline(always)]
    fn ln_1p(self) -> Self {
        self.chain(self.value.ln_1p(), T::ONE / (T::ONE + self.value))
    }
    #[inline(always)]
    fn sin(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }
    #[inline(always)]
    fn cos(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }
    #[inline(always)]
    fn is_short_angle(self) -> bool {
        self.value.is_short_angle()
    }
    #[inline(always)]
    fn sin_cos_of_short(self) -> (Self, Self) {
        let (sin, cos) = self.value.sin_cos_of_short();
        (self.chain(sin, cos), self.chain(cos, -sin))
    }
    #[inline(always)]
    fn atan(self) -> Self {
        self.chain(self.value.atan(), T::ONE / (T::ONE + self.value * self.value))
    }
    #[inline(always)]
    fn atan2(self, x: Self) -> Self {
        let [by_y, by_x] = self.value.atan2_slopes(x.value);
        Dual { value: self.value.atan2(x.value), tangent: along(by_y, self.tangent) + along(by_x, x.tangent) }
    }
    /// `d(x^p) = p x^(p-1) dx + x^p ln x dp`, the second part only where `p` changes: `ln x` may
    /// not exist.
    #[inline(always)]
    fn powf(self, p: Self) -> Self {
        let y = self.value.powf(p.value);
        let base = if p.value.is_zero() { T::ZERO } else { p.value * self.value.powf(p.value - T::ONE) };
        // 0 to a power that is not negative does not depend on the exponent.
        let still = p.tangent.is_zero() || (self.value == T::ZERO && p.value >= T::ZERO);
        let exponent = if still { T::ZERO } else { y * self.value.ln() * p.tangent };
        Dual { value: y, tangent: along(base, self.tangent) + exponent }
    }
    #[inline(always)]
    fn erf(self) -> Self {
        let slope = T::from_f64(std::f64::consts::FRAC_2_SQRT_PI) * (-(self.value * self.value)).exp();
        self.chain(self.value.erf(), slope)
    }
    #[inline(always)]
    fn erfc(self) -> Self {
        let slope = T::from_f64(-std::f64::consts::FRAC_2_SQRT_PI) * (-(self.value * self.value)).exp();
        self.chain(self.value.erfc(), slope)
    }
    #[inline(always)]
    fn lgamma(self) -> Self {
        self.chain(self.value.lgamma(), self.value.polygamma(0))
    }
    #[inline(always)]
    fn polygamma(self, order: u32) -> Self {
        self.chain(self.value.polygamma(order), self.value.polygamma(order + 1))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        self.chain(self.value.abs(), self.value.sign())
    }
    #[inline(always)]
    fn sign(self) -> Self {
        Dual::constant(self.value.sign())
    }
    #[inline(always)]
    fn floor(self) -> Self {
        Dual::constant(self.value.floor())
    }
    #[inline(always)]
    fn ceil(self) -> Self {
        Dual::constant(self.value.ceil())
    }
    #[inline(always)]
    fn round_ties_even(self) -> Self {
        Dual::constant(self.value.round_ties_even())
    }
    #[inline(always)]
    fn trunc(self) -> Self {
        Dual::constant(self.value.trunc())
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        let y = self.value.tanh();
        self.chain(y, T::ONE - y * y)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let y = self.value.sigmoid();
        self.chain(y, y * (T::ONE - y))
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        self.value.is_finite() && self.tangent.is_finite()
    }
    #[inline(always)]
    fn is_zero(self) -> bool {
        self.value.is_zero() && self.tangent.is_zero()
    }
}

/// The matrix of the values (0) or of the tangents (1).
fn component<'a, T: Scalar>(matrix: &Matrix<'a, Dual<T>>, which: usize) -> Matrix<'a, T> {
    Matrix {
        elements: Dual::interleaved(matrix.elements),
        offset: 2 * matrix.offset + which,
        rows: matrix.rows,
        columns: matrix.columns,
        strides: (2 * matrix.strides.0, 2 * matrix.strides.1),
        panel_step: 2 * matrix.panel_step,
    }
}

impl<T: Number> PartialEq for Dual<T> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Number> PartialOrd for Dual<T> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Number + fmt::Display> fmt::Display for Dual<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + {} e", self.value, self.tangent)
    }
}

impl<T: Number> Neg for Dual<T> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Dual { value: -self.value, tangent: -self.tangent }
    }
}

/// Defines an operator and its assigning form from the value and the tangent of the result.
macro_rules! operator {
    ($Op:ident, $op:ident, $Assign:ident, $assign:ident, |$a:ident, $b:ident| $value:expr, $y:ident => $tangent:expr) => {
        impl<T: Number> $Op for Dual<T> {
            type Output = Self;
            #[inline(always)]
            fn $op(self, other: Self) -> Self {
                let ($a, $b) = (self, other);
                let $y = $value;
                Dual { value: $y, tangent: $tangent }
            }
        }

        impl<T: Number> $Assign for Dual<T> {
            #[inline(always)]
            fn $assign(&mut self, other: Self) {
                *self = $Op::$op(*self, other);
            }
        }
    };
}
operator!(Add, add, AddAssign, add_assign, |a, b| a.value + b.value, _y => a.tangent + b.tangent);
operator!(Sub, sub, SubAssign, sub_assign, |a, b| a.value - b.value, _y => a.tangent - b.tangent);
operator!(Mul, mul, MulAssign, mul_assign, |a, b| a.value * b.value, _y => a.value * b.tangent + a.tangent * b.value);
operator!(Div, div, DivAssign, div_assign, |a, b| a.value / b.value, y => (a.tangent - y * b.tangent) / b.value);
// a % b = a - trunc(a / b) b
operator!(Rem, rem, RemAssign, rem_assign, |a, b| a.value % b.value, y => a.tangent - (a.value - y) / b.value * b.tangent);

#[cfg(test)]
mod tests {
    use super::*;

    type Function = (&'static str, fn(f64) -> f64, fn(Dual<f64>) -> Dual<f64>);

    macro_rules! functions {
        ($($name:ident: |$x:ident| $f:expr;)*) => {
            [$((
                stringify!($name),
                |$x: f64| -> f64 {
                    #[allow(dead_code)]
                    fn c(x: f64) -> f64 {
                        x
                    }
                    $f
                },
                |$x: Dual<f64>| -> Dual<f64> {
                    #[allow(dead_code)]
                    fn c(x: f64) -> Dual<f64> {
                        Dual::constant(x)
                    }
                    $f
                },
            )),*]
        };
    }

    #[test]
    fn tangents_agree_with_central_differences() {
        let functions: &[Function] = &functions! {
            add: |x| x + c(2.0);
            sub: |x| c(2.0) - x;
            mul: |x| x * x * c(3.0);
            div: |x| c(2.0) / x;
            rem: |x| (x * c(7.0)) % (x + c(1.0));
            neg: |x| -x;
            mul_add: |x| Number::mul_add(x, x, x);
            sqrt: |x| Number::sqrt(x);
            exp: |x| Number::exp(x);
            exp_m1: |x| Number::exp_m1(x);
            ln: |x| Number::ln(x);
            ln_1p: |x| Number::ln_1p(x);
            sin: |x| Number::sin(x);
            cos: |x| Number::cos(x);
            atan: |x| Number::atan(x);
            atan2: |x| Number::atan2(x, c(-1.5)) + Number::atan2(c(0.5), x) + Number::atan2(x * x, -x);
            powf: |x| Number::powf(x, c(2.5)) + Number::powf(c(1.5), x) + Number::powf(x, x);
            erf: |x| Number::erf(x);
            lgamma: |x| Number::lgamma(x);
            digamma: |x| Number::polygamma(x, 0);
            trigamma: |x| Number::polygamma(x, 1);
            abs: |x| Number::abs(x) + Number::abs(-x);
            sign: |x| Number::sign(x) * x;
            floor: |x| Number::floor(x * c(7.0)) * x;
            ceil: |x| Number::ceil(x * c(7.0)) * x;
            round_ties_even: |x| Number::round_ties_even(x * c(7.0)) * x;
            trunc: |x| Number::trunc(x * c(-7.0)) * x;
            tanh: |x| Number::tanh(x);
            sigmoid: |x| Number::sigmoid(x);
        };
        for (name, plain, dual) in functions {
            for x in [0.3, 0.9, 1.7] {
                let y = dual(Dual { value: x, tangent: 2.0 });
                let h = 1e-5;
                let slope = (plain(x + h) - plain(x - h)) / (2.0 * h);
                assert_eq!(y.value, plain(x), "{name}");
                let close = (y.tangent - 2.0 * slope).abs() <= 1e-8 * slope.abs().max(1.0);
                assert!(close, "{name} at {x}: {} is not {}", y.tangent, 2.0 * slope);
            }
        }
    }

    #[test]
    fn a_constant_exponent_works_where_the_logarithm_does_not_exist() {
        let x = Dual { value: -2.0, tangent: 1.0 };
        assert_eq!(x.powf(Dual::constant(3.0)).tangent, 12.0);
        let zero = Dual { value: 0.0, tangent: 1.0 };
        assert_eq!((zero.powf(Dual::constant(2.0)).tangent, zero.powf(Dual::constant(0.0)).tangent), (0.0, 0.0));
    }
}
