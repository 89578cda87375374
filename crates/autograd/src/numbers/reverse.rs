//! A number on a tape of numbers.

use crate::numbers::tape::{NumberGradients, NumberTape};
use std::cmp::Ordering;
use std::f64::consts::FRAC_2_SQRT_PI;
use std::fmt;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign};
use unspool_tensor::Number;

/// A number whose derivatives are computed backward, from the result: a value of type `N`, an entry of a [`NumberTape`], and
/// the derivative of the value by that entry. A constant has no entry, and what is computed from constants alone is constant
/// and costs what it costs without a tape.
///
/// A function of one number, and an operation on two that depend on the same entry, change the value and the derivative and
/// leave the entry: only where two entries meet, the tape gets a new one.
///
/// It is a [`Number`] like any other, so loops, branches and recursions work as they are written, and the derivative is
/// that of the branches taken. Comparisons look at the value alone.
///
/// ```
/// use unspool::numbers::NumberTape;
///
/// let tape = NumberTape::new();
/// let (x, y) = (tape.variable(3.0), tape.variable(4.0));
/// let mut product = x;
/// while product < x * y {
///     product += y;                       // 3, 7, 11, 15
/// }
/// let gradients = product.backward();
/// assert_eq!((product.value(), gradients.wrt(x), gradients.wrt(y)), (15.0, 1.0, 3.0));
/// ```
#[derive(Clone, Copy)]
#[repr(C)] // value and slope apart: side by side they are loaded as one vector, which waits for the stores of both
pub struct Reverse<'t, N> {
    value: N,
    tape: Option<&'t NumberTape<N>>,
    /// The derivative of the value by the entry.
    slope: N,
    index: u32,
}

impl<'t, N: Number> Reverse<'t, N> {
    /// A number that does not change: its derivatives are 0.
    #[inline(always)]
    pub const fn constant(value: N) -> Self {
        Reverse { value, tape: None, slope: N::ZERO, index: 0 }
    }

    /// The value, without derivatives.
    #[inline(always)]
    pub fn value(self) -> N {
        self.value
    }

    /// The derivatives of this number by all [variables](NumberTape::variable).
    ///
    /// A derivative of 0 stays 0 however steep the operations before it are, and nothing passes an operation whose own
    /// derivative is 0: that of `sqrt(x * x)` at 0 is 0, as [`Dual`](unspool_tensor::Dual) numbers have it.
    pub fn backward(self) -> NumberGradients<'t, N> {
        match self.tape {
            None => NumberGradients::none(),
            Some(tape) => tape.backward(self.index, self.slope),
        }
    }

    /// The entry itself.
    #[inline(always)]
    pub(crate) fn entry(value: N, tape: &'t NumberTape<N>, index: u32) -> Self {
        Reverse { value, tape: Some(tape), slope: N::ONE, index }
    }

    /// The tape and the index in it, unless this is a constant.
    #[inline(always)]
    pub(crate) fn place(self) -> Option<(&'t NumberTape<N>, u32)> {
        self.tape.map(|tape| (tape, self.index))
    }

    /// Whether this is an entry, plus a constant at most.
    pub(crate) fn is_entry(self) -> bool {
        (self.slope - N::ONE).is_zero()
    }

    /// A function's value, given its derivative.
    #[inline(always)]
    fn chain(self, value: N, derivative: impl FnOnce() -> N) -> Self {
        if self.tape.is_none() { Reverse::constant(value) } else { self.with(value, along(derivative(), self.slope)) }
    }

    /// A function of two numbers: its value, given its derivatives by each.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn chain2(
        self,
        other: Self,
        value: N,
        by_self: impl FnOnce() -> N,
        by_other: impl FnOnce() -> N,
    ) -> Self {
        match (self.tape, other.tape) {
            (_, None) => self.chain(value, by_self),
            (None, _) => other.chain(value, by_other),
            (Some(tape), Some(others)) => {
                ensure!(std::ptr::eq(tape, others), "numbers: the operands are on two tapes");
                let partials = [along(by_self(), self.slope), along(by_other(), other.slope)];
                if self.index == other.index {
                    self.with(value, partials[0] + partials[1])
                } else {
                    tape.record(value, [self.index, other.index], partials)
                }
            }
        }
    }

    /// Another function of the same entry. One whose derivative is 0 is a constant; one that is infinitely steep becomes an
    /// entry, since what follows may cancel: infinity minus infinity would be NaN.
    #[inline(always)]
    fn with(self, value: N, slope: N) -> Self {
        match self.tape {
            Some(tape) if !slope.is_finite() => tape.record_one(value, self.index, slope),
            _ if slope.is_zero() => Reverse::constant(value),
            _ => Reverse { value, slope, ..self },
        }
    }
}

/// The chain rule. Nothing passes a derivative of 0, however steep the slope: 0 times an infinite one would be NaN.
#[inline(always)]
fn along<N: Number>(derivative: N, slope: N) -> N {
    let product = derivative * slope;
    if derivative.is_zero() { N::ZERO } else { product }
}

impl<N: Number> Number for Reverse<'_, N> {
    const ZERO: Self = Reverse::constant(N::ZERO);
    const ONE: Self = Reverse::constant(N::ONE);
    const NAN: Self = Reverse::constant(N::NAN);

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        Reverse::constant(N::from_f64(x))
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self.value.to_f64()
    }
    #[inline(always)]
    #[track_caller]
    fn mul_add(self, a: Self, b: Self) -> Self {
        let product = self * a;
        let sum = product + b;
        Reverse { value: self.value.mul_add(a.value, b.value), ..sum }
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        let y = self.value.sqrt();
        self.chain(y, || N::ONE / (y + y))
    }
    #[inline(always)]
    fn exp(self) -> Self {
        let y = self.value.exp();
        self.chain(y, || y)
    }
    #[inline(always)]
    fn exp_m1(self) -> Self {
        self.chain(self.value.exp_m1(), || self.value.exp())
    }
    #[inline(always)]
    fn ln(self) -> Self {
        self.chain(self.value.ln(), || N::ONE / self.value)
    }
    #[inline(always)]
    fn ln_1p(self) -> Self {
        self.chain(self.value.ln_1p(), || N::ONE / (N::ONE + self.value))
    }
    #[inline(always)]
    fn sin(self) -> Self {
        self.chain(self.value.sin(), || self.value.cos())
    }
    #[inline(always)]
    fn cos(self) -> Self {
        self.chain(self.value.cos(), || -self.value.sin())
    }
    #[inline(always)]
    fn atan(self) -> Self {
        self.chain(self.value.atan(), || N::ONE / (N::ONE + self.value * self.value))
    }
    #[inline(always)]
    #[track_caller]
    fn atan2(self, x: Self) -> Self {
        let slopes = || self.value.atan2_slopes(x.value);
        self.chain2(x, self.value.atan2(x.value), || slopes()[0], || slopes()[1])
    }
    /// `d(x^p) = p x^(p-1) dx + x^p ln x dp`, the second part only where `p` changes: `ln x` may
    /// not exist.
    #[inline(always)]
    #[track_caller]
    fn powf(self, p: Self) -> Self {
        let y = self.value.powf(p.value);
        let base = || if p.value.is_zero() { N::ZERO } else { p.value * self.value.powf(p.value - N::ONE) };
        // 0 to a power that is not negative does not depend on the exponent.
        let still = self.value == N::ZERO && p.value >= N::ZERO;
        self.chain2(p, y, base, || if still { N::ZERO } else { y * self.value.ln() })
    }
    #[inline(always)]
    fn erf(self) -> Self {
        self.chain(self.value.erf(), || N::from_f64(FRAC_2_SQRT_PI) * (-(self.value * self.value)).exp())
    }
    #[inline(always)]
    fn erfc(self) -> Self {
        self.chain(self.value.erfc(), || N::from_f64(-FRAC_2_SQRT_PI) * (-(self.value * self.value)).exp())
    }
    #[inline(always)]
    fn lgamma(self) -> Self {
        self.chain(self.value.lgamma(), || self.value.polygamma(0))
    }
    #[inline(always)]
    fn polygamma(self, order: u32) -> Self {
        self.chain(self.value.polygamma(order), || self.value.polygamma(order + 1))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        self.chain(self.value.abs(), || self.value.sign())
    }
    #[inline(always)]
    fn sign(self) -> Self {
        Reverse::constant(self.value.sign())
    }
    #[inline(always)]
    fn floor(self) -> Self {
        Reverse::constant(self.value.floor())
    }
    #[inline(always)]
    fn ceil(self) -> Self {
        Reverse::constant(self.value.ceil())
    }
    #[inline(always)]
    fn round_ties_even(self) -> Self {
        Reverse::constant(self.value.round_ties_even())
    }
    #[inline(always)]
    fn trunc(self) -> Self {
        Reverse::constant(self.value.trunc())
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        let y = self.value.tanh();
        self.chain(y, || N::ONE - y * y)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        let y = self.value.sigmoid();
        self.chain(y, || y * (N::ONE - y))
    }
    #[inline(always)]
    fn is_finite(self) -> bool {
        self.value.is_finite()
    }
    #[inline(always)]
    fn is_zero(self) -> bool {
        self.tape.is_none() && self.value.is_zero()
    }
}

impl<N: Number> PartialEq for Reverse<'_, N> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<N: Number> PartialOrd for Reverse<'_, N> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<N: fmt::Debug> fmt::Debug for Reverse<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.tape.map(|_| self.index);
        f.debug_struct("Reverse")
            .field("value", &self.value)
            .field("index", &place)
            .field("slope", &self.slope)
            .finish()
    }
}

impl<N: fmt::Display> fmt::Display for Reverse<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<N: Number> Neg for Reverse<'_, N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.chain(-self.value, || -N::ONE)
    }
}

/// Defines an operator and its assigning form from its result. The derivatives of one take others.
macro_rules! operator {
    ($Op:ident, $op:ident, $Assign:ident, $assign:ident, |$a:ident, $b:ident| $result:expr) => {
        impl<N: Number> $Op for Reverse<'_, N> {
            type Output = Self;
            #[inline(always)]
            #[track_caller]
            #[allow(clippy::suspicious_arithmetic_impl)]
            fn $op(self, other: Self) -> Self {
                let ($a, $b) = (self, other);
                $result
            }
        }

        impl<N: Number> $Assign for Reverse<'_, N> {
            #[inline(always)]
            #[track_caller]
            fn $assign(&mut self, other: Self) {
                *self = $Op::$op(*self, other);
            }
        }
    };
}
operator!(Add, add, AddAssign, add_assign, |a, b| a.chain2(b, a.value + b.value, || N::ONE, || N::ONE));
operator!(Sub, sub, SubAssign, sub_assign, |a, b| a.chain2(b, a.value - b.value, || N::ONE, || -N::ONE));
operator!(Mul, mul, MulAssign, mul_assign, |a, b| a.chain2(b, a.value * b.value, || b.value, || a.value));
operator!(Div, div, DivAssign, div_assign, |a, b| {
    let y = a.value / b.value;
    a.chain2(b, y, || N::ONE / b.value, || -y / b.value)
});
// a % b = a - trunc(a / b) b
operator!(Rem, rem, RemAssign, rem_assign, |a, b| {
    let y = a.value % b.value;
    a.chain2(b, y, || N::ONE, || (y - a.value) / b.value)
});
