//! The number that a function is called with to learn its derivative.

use super::trace::{Slope, Trace};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign};
use unspool_tensor::{Dual, Number};

/// A number of each row of a block, which notes in a trace what is computed with it; or a constant, the same for all
/// rows.
#[derive(Clone, Copy)]
pub(super) enum Traced<'a, T> {
    Constant(T),
    Rows(&'a RefCell<Trace<T>>, u32),
}
use Traced::{Constant, Rows};

/// The value and the slope of a function of one number, as dual numbers have them.
#[inline(always)]
fn slope_of<T: Number>(x: T, f: impl Fn(Dual<T>) -> Dual<T>) -> [T; 2] {
    let y = f(Dual { value: x, tangent: T::ONE });
    [y.value, y.tangent]
}

impl<T: Number> Traced<'_, T> {
    #[inline(always)]
    fn unary(self, f: impl Fn(Dual<T>) -> Dual<T>) -> Self {
        match self {
            Constant(x) => Constant(f(Dual::constant(x)).value),
            Rows(trace, x) => {
                let y = trace.borrow_mut().map_with_slope(
                    x,
                    #[inline(always)]
                    |x| slope_of(x, &f),
                );
                Rows(trace, y)
            }
        }
    }

    #[inline(always)]
    fn binary(self, other: Self, f: impl Fn(Dual<T>, Dual<T>) -> Dual<T>) -> Self {
        match (self, other) {
            (Constant(a), Constant(b)) => Constant(f(Dual::constant(a), Dual::constant(b)).value),
            (Rows(..), Constant(b)) => self.unary(
                #[inline(always)]
                |a| f(a, Dual::constant(b)),
            ),
            (Constant(a), Rows(..)) => other.unary(
                #[inline(always)]
                |b| f(Dual::constant(a), b),
            ),
            (Rows(trace, a), Rows(_, b)) => {
                let y = trace.borrow_mut().zip_with_slopes(
                    a,
                    b,
                    #[inline(always)]
                    |a, b| {
                        let [y, da] = slope_of(
                            a,
                            #[inline(always)]
                            |a| f(a, Dual::constant(b)),
                        );
                        let [_, db] = slope_of(
                            b,
                            #[inline(always)]
                            |b| f(Dual::constant(a), b),
                        );
                        [y, da, db]
                    },
                );
                Rows(trace, y)
            }
        }
    }

    /// A function of a number whose slope is the same in all rows.
    #[inline(always)]
    fn linear(self, slope: T, f: impl Fn(T) -> T) -> Self {
        match self {
            Constant(x) => Constant(f(x)),
            Rows(trace, x) => Rows(trace, trace.borrow_mut().map((x, Slope::Constant(slope)), f)),
        }
    }

    /// The value and the slope of a function of an angle, by `of_short` if the angles of all rows are short.
    #[inline(always)]
    fn of_angle(self, f: impl Fn(T) -> [T; 2], of_short: impl Fn(T) -> [T; 2]) -> Self {
        match self {
            Constant(x) => Constant(f(x)[0]),
            Rows(trace, x) => {
                let mut nodes = trace.borrow_mut();
                let are_short = nodes.values(x).iter().all(|x| x.is_short_angle());
                Rows(trace, if are_short { nodes.map_with_slope(x, of_short) } else { nodes.map_with_slope(x, f) })
            }
        }
    }

    /// The answer of all rows to a question about one or two numbers.
    fn answer<A: PartialEq>(self, other: Self, of: impl Fn(T, T) -> A) -> A {
        let trace = match (self, other) {
            (Constant(a), Constant(b)) => return of(a, b),
            (Rows(trace, _), _) | (_, Rows(trace, _)) => trace,
        };
        trace.borrow_mut().answer(|trace, row| {
            let [a, b] = [self, other].map(|x| match x {
                Constant(x) => x,
                Rows(_, node) => trace.values(node)[row],
            });
            of(a, b)
        })
    }
}

impl<T: Number> Add for Traced<'_, T> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let one = Slope::Constant(T::ONE);
        match (self, other) {
            (_, Constant(b)) => self.linear(
                T::ONE,
                #[inline(always)]
                |a| a + b,
            ),
            (Constant(a), _) => other.linear(
                T::ONE,
                #[inline(always)]
                |b| a + b,
            ),
            (Rows(trace, a), Rows(_, b)) => Rows(
                trace,
                trace.borrow_mut().zip(
                    (a, one),
                    (b, one),
                    #[inline(always)]
                    |a, b| a + b,
                ),
            ),
        }
    }
}

impl<T: Number> Sub for Traced<'_, T> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        let [one, minus_one] = [Slope::Constant(T::ONE), Slope::Constant(-T::ONE)];
        match (self, other) {
            (_, Constant(b)) => self.linear(
                T::ONE,
                #[inline(always)]
                |a| a - b,
            ),
            (Constant(a), _) => other.linear(
                -T::ONE,
                #[inline(always)]
                |b| a - b,
            ),
            (Rows(trace, a), Rows(_, b)) => Rows(
                trace,
                trace.borrow_mut().zip(
                    (a, one),
                    (b, minus_one),
                    #[inline(always)]
                    |a, b| a - b,
                ),
            ),
        }
    }
}

impl<T: Number> Mul for Traced<'_, T> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        match (self, other) {
            (_, Constant(b)) => self.linear(
                b,
                #[inline(always)]
                |a| a * b,
            ),
            (Constant(a), _) => other.linear(
                a,
                #[inline(always)]
                |b| a * b,
            ),
            (Rows(trace, a), Rows(_, b)) => {
                let mut nodes = trace.borrow_mut();
                let [of_a, of_b] = [nodes.slope_of(b), nodes.slope_of(a)];
                Rows(
                    trace,
                    nodes.zip(
                        (a, of_a),
                        (b, of_b),
                        #[inline(always)]
                        |a, b| a * b,
                    ),
                )
            }
        }
    }
}

impl<T: Number> Div for Traced<'_, T> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        match (self, other) {
            (_, Constant(b)) => self.linear(
                T::ONE / b,
                #[inline(always)]
                |a| a / b,
            ),
            _ => self.binary(
                other,
                #[inline(always)]
                |a, b| a / b,
            ),
        }
    }
}

impl<T: Number> Rem for Traced<'_, T> {
    type Output = Self;
    fn rem(self, other: Self) -> Self {
        self.binary(
            other,
            #[inline(always)]
            |a, b| a % b,
        )
    }
}

impl<T: Number> Neg for Traced<'_, T> {
    type Output = Self;
    fn neg(self) -> Self {
        self.linear(
            -T::ONE,
            #[inline(always)]
            |x| -x,
        )
    }
}

macro_rules! assigning {
    ($($Assign:ident::$assign:ident by $op:ident;)*) => {
        $(
            impl<T: Number> $Assign for Traced<'_, T> {
                fn $assign(&mut self, other: Self) {
                    *self = self.$op(other);
                }
            }
        )*
    };
}
assigning! {
    AddAssign::add_assign by add;
    SubAssign::sub_assign by sub;
    MulAssign::mul_assign by mul;
    DivAssign::div_assign by div;
    RemAssign::rem_assign by rem;
}

macro_rules! unary {
    ($($name:ident)*) => {
        $(
            fn $name(self) -> Self {
                self.unary(#[inline(always)] |x| x.$name())
            }
        )*
    };
}

impl<T: Number> Number for Traced<'_, T> {
    const ZERO: Self = Constant(T::ZERO);
    const ONE: Self = Constant(T::ONE);
    const NAN: Self = Constant(T::NAN);

    fn from_f64(x: f64) -> Self {
        Constant(T::from_f64(x))
    }
    fn to_f64(self) -> f64 {
        // By bits, so that NaN agrees with NaN.
        f64::from_bits(self.answer(Self::ZERO, |x, _| x.to_f64().to_bits()))
    }
    fn mul_add(self, a: Self, b: Self) -> Self {
        self * a + b
    }
    unary! { sqrt exp exp_m1 ln ln_1p atan erf erfc lgamma abs sign floor ceil round_ties_even trunc tanh sigmoid }
    fn sin(self) -> Self {
        self.of_angle(
            #[inline(always)]
            |x| [x.sin(), x.cos()],
            #[inline(always)]
            |x| <[T; 2]>::from(x.sin_cos_of_short()),
        )
    }
    fn cos(self) -> Self {
        self.of_angle(
            #[inline(always)]
            |x| [x.cos(), -x.sin()],
            #[inline(always)]
            |x| {
                let (sin, cos) = x.sin_cos_of_short();
                [cos, -sin]
            },
        )
    }
    fn polygamma(self, order: u32) -> Self {
        self.unary(
            #[inline(always)]
            move |x| x.polygamma(order),
        )
    }
    fn atan2(self, x: Self) -> Self {
        self.binary(
            x,
            #[inline(always)]
            |y, x| y.atan2(x),
        )
    }
    fn powf(self, exponent: Self) -> Self {
        self.binary(
            exponent,
            #[inline(always)]
            |x, p| x.powf(p),
        )
    }
    fn is_nan(self) -> bool {
        self.answer(Self::ZERO, |x, _| x.is_nan())
    }
    fn is_finite(self) -> bool {
        self.answer(Self::ZERO, |x, _| x.is_finite())
    }
    fn is_zero(self) -> bool {
        matches!(self, Constant(x) if x.is_zero()) // rows carry derivatives along
    }
}

impl<T: Number> PartialEq for Traced<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.answer(*other, |a, b| a == b)
    }
}

impl<T: Number> PartialOrd for Traced<'_, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.answer(*other, |a, b| a.partial_cmp(&b))
    }
}

impl<T: Number> fmt::Debug for Traced<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Constant(x) => x.fmt(f),
            Rows(trace, node) => trace.borrow().values(*node).fmt(f),
        }
    }
}
