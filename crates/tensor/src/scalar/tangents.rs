//! Numbers with several tangents: a value and its derivatives in some directions.

use crate::loops::simd::dispatch;
use crate::scalar::gemm::{Matrix, Product};
use crate::scalar::number::Number;
use crate::scalar::{Scalar, sealed};
use crate::tuning::SMALL_PRODUCT;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign};

/// An array of `K` numbers. `std::array::from_fn` is not always inlined: then it is compiled without vector
/// instructions.
macro_rules! each {
    (|$k:ident| $number:expr) => {{
        let mut all = [T::ZERO; K];
        for $k in 0..K {
            all[$k] = $number;
        }
        all
    }};
}

/// `value + tangents_1 e_1 + .. + tangents_K e_K` with `e_i e_j = 0`: a number together with its
/// derivatives in `K` directions.
///
/// What `K` [`Dual`](crate::Dual) numbers compute, with the value, and the slope of a function, computed once for
/// all directions. Comparisons look at the value alone.
///
/// ```
/// use unspool::Number;
/// use unspool::tensor::Tangents;
/// let x = Tangents { value: 3.0, tangents: [1.0, 0.0] };
/// let y = Tangents { value: 2.0, tangents: [0.0, 1.0] };
/// assert_eq!((x * y.exp()).tangents, [Number::exp(2.0), 3.0 * Number::exp(2.0)]);
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(C)] // `Tensor::parts` reads the numbers in this order
pub struct Tangents<T, const K: usize> {
    /// The number.
    pub value: T,
    /// Its derivatives.
    pub tangents: [T; K],
}

impl<T: Number, const K: usize> Tangents<T, K> {
    /// A number whose tangents are 0.
    #[inline(always)]
    pub fn constant(value: T) -> Self {
        Tangents { value, tangents: [T::ZERO; K] }
    }

    /// A function's value, with the tangents by the chain rule. A tangent of 0 stays 0, however steep the
    /// function: 0 times an infinite slope would be NaN.
    #[inline(always)]
    fn chain(self, value: T, slope: T) -> Self {
        Tangents { value, tangents: each!(|k| along(slope, self.tangents[k])) }
    }
}

#[inline(always)]
fn along<T: Number>(slope: T, tangent: T) -> T {
    if tangent.is_zero() { T::ZERO } else { slope * tangent }
}

impl<T: Number, const K: usize> Default for Tangents<T, K> {
    fn default() -> Self {
        Self::ZERO
    }
}

impl<T: Scalar, const K: usize> sealed::Sealed for Tangents<T, K> {}

impl<T: Scalar, const K: usize> Scalar for Tangents<T, K> {
    const NAME: &'static str = "Tangents<..>";
    const DUAL_NAME: &'static str = "Dual<Tangents<..>>";
    const NESTED_NAME: &'static str = "Nested<Tangents<..>>";
    const TANGENTS: usize = K;

    type Lifted = Tangents<T::Lifted, K>;
    const NESTS: bool = T::NESTS;
    #[inline(always)]
    fn lifted(self, tangent: Self) -> Self::Lifted {
        let tangents = std::array::from_fn(|k| self.tangents[k].lifted(tangent.tangents[k]));
        Tangents { value: self.value.lifted(tangent.value), tangents }
    }
    #[inline(always)]
    fn unlifted(lifted: Self::Lifted) -> (Self, Self) {
        let (value, tangent) = T::unlifted(lifted.value);
        let tangents = lifted.tangents.map(T::unlifted);
        let part = |value, of: fn((T, T)) -> T| Tangents { value, tangents: tangents.map(of) };
        (part(value, |(value, _)| value), part(tangent, |(_, tangent)| tangent))
    }

    #[inline(always)]
    fn with_slope(self, x: Self, slope: impl FnOnce() -> Self) -> Self {
        let slope = slope().value;
        x.chain(self.value.with_slope(x.value, || slope), slope)
    }
    #[inline(always)]
    fn tangent(self, k: usize) -> Self {
        Tangents::constant(self.tangents[k])
    }
    #[inline(always)]
    fn with_tangent(mut self, k: usize, tangent: Self) -> Self {
        self.tangents[k] = tangent.value;
        self
    }
    #[inline(always)]
    fn with_tangent_of(self, other: Self) -> Self {
        Tangents { value: self.value.with_tangent_of(other.value), tangents: other.tangents }
    }

    /// The value and all tangents of `a b` that come from those of `b` are one product of the values of `a`, with
    /// `1 + K` times the columns. Those that come from the tangents of `a` are one more for each, unless they are
    /// all 0.
    fn gemm(product: Product<'_, Self>) {
        let Product { a, b, c, row_step, spread, add } = product;
        let [m, k, n] = [a.rows, a.columns, b.columns];
        let moves = has_tangents(&a);
        if m * k * n <= if moves { SMALL_PRODUCT } else { SMALL_PRODUCT / 16 } {
            return dispatch(
                #[inline(always)]
                || {
                    small(&a, &b, |i, j, sum| {
                        // SAFETY: `Product::new` has the caller's word that `c` holds m rows of n elements, which
                        // nobody else reads or writes meanwhile.
                        let c = unsafe { &mut *c.add((i * row_step + j) * spread) };
                        *c = if add { *c + sum } else { sum };
                    })
                },
            );
        }
        let component_of_c = |which: usize| {
            // SAFETY: these numbers are a value and K tangents, one after the other.
            unsafe { c.cast::<T>().add(which) }
        };
        let of_components = |x, y, which, add| {
            let (c, spread) = (component_of_c(which), (1 + K) * spread);
            T::gemm(Product { a: x, b: y, c, row_step, spread, add });
        };
        // Side by side: the product reads them several times.
        let values: Vec<T> = (0..m * k).map(|at| a.at(at / k, at % k).value).collect();
        let values = Matrix::row_major(&values, m, k);
        if b.strides.1 == 1 && b.is_plain() && spread == 1 {
            let Matrix { elements, offset, strides: (down, _), .. } = component(&b, 0);
            let wide = Matrix::strided(elements, offset, [k, (1 + K) * n], (down, 1));
            T::gemm(Product { a: values, b: wide, c: component_of_c(0), row_step: (1 + K) * row_step, spread, add });
        } else {
            (0..=K).for_each(|which| of_components(values, component(&b, which), which, add));
        }
        if moves {
            (1..=K).for_each(|which| of_components(component(&a, which), component(&b, 0), which, true));
        }
    }
}

/// The product of small matrices, element by element.
#[inline(always)]
fn small<T: Scalar, const K: usize>(
    a: &Matrix<'_, Tangents<T, K>>,
    b: &Matrix<'_, Tangents<T, K>>,
    mut write: impl FnMut(usize, usize, Tangents<T, K>),
) {
    for i in 0..a.rows {
        for j in 0..b.columns {
            let mut sum = Tangents::ZERO;
            for p in 0..a.columns {
                sum = a.at(i, p).mul_add(b.at(p, j), sum);
            }
            write(i, j, sum);
        }
    }
}

/// Whether a tangent of the matrix is not 0.
fn has_tangents<T: Scalar, const K: usize>(matrix: &Matrix<'_, Tangents<T, K>>) -> bool {
    let moves = |x: Tangents<T, K>| x.tangents.iter().any(|tangent| !tangent.is_zero());
    (0..matrix.rows).any(|i| (0..matrix.columns).any(|j| moves(matrix.at(i, j))))
}

/// The matrix of the values (0) or of the tangents with one number (1 to K).
fn component<'a, T: Scalar, const K: usize>(matrix: &Matrix<'a, Tangents<T, K>>, which: usize) -> Matrix<'a, T> {
    let (elements, length) = (matrix.elements, 1 + K);
    // SAFETY: `repr(C)` makes these numbers 1 + K `T`s without padding; the length is that of the same memory.
    let elements = unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), length * elements.len()) };
    Matrix {
        elements,
        offset: length * matrix.offset + which,
        rows: matrix.rows,
        columns: matrix.columns,
        strides: (length as isize * matrix.strides.0, length as isize * matrix.strides.1),
        panel_step: length as isize * matrix.panel_step,
    }
}

impl<T: Number, const K: usize> Number for Tangents<T, K> {
    const ZERO: Self = Tangents { value: T::ZERO, tangents: [T::ZERO; K] };
    const ONE: Self = Tangents { value: T::ONE, tangents: [T::ZERO; K] };
    const NAN: Self = Tangents { value: T::NAN, tangents: [T::NAN; K] };

    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        Self::constant(T::from_f64(x))
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self.value.to_f64()
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        Tangents {
            value: self.value.mul_add(a.value, b.value),
            tangents: each!(|k| self.value.mul_add(a.tangents[k], self.tangents[k].mul_add(a.value, b.tangents[k]))),
        }
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
    fn atan(self) -> Self {
        self.chain(self.value.atan(), T::ONE / (T::ONE + self.value * self.value))
    }
    #[inline(always)]
    fn atan2(self, x: Self) -> Self {
        let [by_y, by_x] = self.value.atan2_slopes(x.value);
        Tangents {
            value: self.value.atan2(x.value),
            tangents: each!(|k| along(by_y, self.tangents[k]) + along(by_x, x.tangents[k])),
        }
    }
    /// As of [`Dual`](crate::Dual).
    #[inline(always)]
    fn powf(self, p: Self) -> Self {
        let y = self.value.powf(p.value);
        let base = if p.value.is_zero() { T::ZERO } else { p.value * self.value.powf(p.value - T::ONE) };
        let of_base = self.chain(y, base);
        // 0 to a power that is not negative does not depend on the exponent.
        if p.tangents.iter().all(|tangent| tangent.is_zero()) || (self.value == T::ZERO && p.value >= T::ZERO) {
            return of_base;
        }
        let exponent = y * self.value.ln();
        Tangents { value: y, tangents: each!(|k| of_base.tangents[k] + along(exponent, p.tangents[k])) }
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
        Self::constant(self.value.sign())
    }
    #[inline(always)]
    fn floor(self) -> Self {
        Self::constant(self.value.floor())
    }
    #[inline(always)]
    fn ceil(self) -> Self {
        Self::constant(self.value.ceil())
    }
    #[inline(always)]
    fn round_ties_even(self) -> Self {
        Self::constant(self.value.round_ties_even())
    }
    #[inline(always)]
    fn trunc(self) -> Self {
        Self::constant(self.value.trunc())
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
        self.value.is_finite() && self.tangents.iter().all(|tangent| tangent.is_finite())
    }
    #[inline(always)]
    fn is_zero(self) -> bool {
        self.value.is_zero() && self.tangents.iter().all(|tangent| tangent.is_zero())
    }
}

impl<T: Number, const K: usize> PartialEq for Tangents<T, K> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Number, const K: usize> PartialOrd for Tangents<T, K> {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Number + fmt::Display, const K: usize> fmt::Display for Tangents<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value)?;
        self.tangents.iter().enumerate().try_for_each(|(k, tangent)| write!(f, " + {tangent} e{}", k + 1))
    }
}

impl<T: Number, const K: usize> Neg for Tangents<T, K> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Tangents { value: -self.value, tangents: each!(|k| -self.tangents[k]) }
    }
}

/// Defines an operator and its assigning form from the value and a tangent of the result.
macro_rules! operator {
    ($Op:ident, $op:ident, $Assign:ident, $assign:ident, |$a:ident, $b:ident| $value:expr,
     $y:ident, $da:ident, $db:ident => $tangent:expr) => {
        impl<T: Number, const K: usize> $Op for Tangents<T, K> {
            type Output = Self;
            #[inline(always)]
            #[allow(clippy::suspicious_arithmetic_impl)] // the rules of derivatives mix operators
            fn $op(self, other: Self) -> Self {
                let ($a, $b) = (self.value, other.value);
                let $y = $value;
                Tangents {
                    value: $y,
                    tangents: each!(|k| {
                        let ($da, $db) = (self.tangents[k], other.tangents[k]);
                        $tangent
                    }),
                }
            }
        }

        impl<T: Number, const K: usize> $Assign for Tangents<T, K> {
            #[inline(always)]
            fn $assign(&mut self, other: Self) {
                *self = $Op::$op(*self, other);
            }
        }
    };
}
operator!(Add, add, AddAssign, add_assign, |a, b| a + b, _y, da, db => da + db);
operator!(Sub, sub, SubAssign, sub_assign, |a, b| a - b, _y, da, db => da - db);
operator!(Mul, mul, MulAssign, mul_assign, |a, b| a * b, _y, da, db => a * db + da * b);
operator!(Div, div, DivAssign, div_assign, |a, b| a / b, y, da, db => (da - y * db) / b);
// a % b = a - trunc(a / b) b
operator!(Rem, rem, RemAssign, rem_assign, |a, b| a % b, y, da, db => da - (a - y) / b * db);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::dual::Dual;
    use crate::tensor::Tensor;

    type Two = Tangents<f64, 2>;

    /// What the duals of each direction compute.
    fn check(name: &str, f: impl Fn(Two, Two) -> Two, dual: impl Fn(Dual<f64>, Dual<f64>) -> Dual<f64>) {
        for (x, y) in [(0.3, 1.7), (1.2, 0.4), (0.0, 2.0)] {
            let (dx, dy) = ([2.0, 0.0], [-1.0, 0.5]);
            let found = f(Tangents { value: x, tangents: dx }, Tangents { value: y, tangents: dy });
            for k in 0..2 {
                let expected = dual(Dual { value: x, tangent: dx[k] }, Dual { value: y, tangent: dy[k] });
                let same = |a: f64, b: f64| a == b || (a - b).abs() <= 1e-15 * b.abs() || (a.is_nan() && b.is_nan());
                assert!(same(found.value, expected.value), "{name}({x}, {y}): {found:?} is not {expected:?}");
                assert!(same(found.tangents[k], expected.tangent), "{name}({x}, {y}): {found:?} is not {expected:?}");
            }
        }
    }

    #[test]
    fn each_tangent_is_that_of_a_dual_number() {
        macro_rules! functions {
            ($($name:ident: |$x:ident, $y:ident| $f:expr;)*) => {
                $(check(stringify!($name), |$x, $y| $f, |$x, $y| $f);)*
            };
        }
        functions! {
            add: |x, y| x + y;
            sub: |x, y| x - y;
            mul: |x, y| x * y;
            div: |x, y| x / y;
            rem: |x, y| x % y;
            neg: |x, _y| -x;
            mul_add: |x, y| x.mul_add(y, x);
            sqrt: |x, y| (x * y).sqrt();
            exp: |x, _y| x.exp();
            exp_m1: |x, _y| x.exp_m1();
            ln: |x, y| (x + y).ln();
            ln_1p: |x, _y| x.ln_1p();
            sin: |x, _y| x.sin();
            cos: |x, _y| x.cos();
            atan: |x, _y| x.atan();
            atan2: |x, y| x.atan2(y);
            powf: |x, y| x.powf(y);
            erf: |x, _y| x.erf();
            erfc: |x, _y| x.erfc();
            lgamma: |x, _y| x.lgamma();
            polygamma: |x, _y| x.polygamma(1);
            abs: |x, y| (x - y).abs();
            sign: |x, y| (x - y).sign() * x;
            floor: |x, y| x.floor() * y;
            ceil: |x, y| x.ceil() * y;
            round_ties_even: |x, y| x.round_ties_even() * y;
            trunc: |x, y| x.trunc() * y;
            tanh: |x, _y| x.tanh();
            sigmoid: |x, _y| x.sigmoid();
        }
    }

    /// Small products and large ones, contiguous and transposed, with and without tangents on either side.
    #[test]
    fn products_of_matrices_follow_the_product_rule() {
        let numbers = |shape: [usize; 2], salt: usize, moves: bool| {
            let tangent = move |i: usize, k: usize| if moves { ((i * 3 + k * 5 + salt) % 7) as f64 } else { 0.0 };
            let number = |i: usize| Two {
                value: (i * 7 % (11 + salt)) as f64,
                tangents: std::array::from_fn(|k| tangent(i, k)),
            };
            Tensor::from_fn(shape, number)
        };
        for (m, k, n) in [(3, 4, 5), (23, 17, 29)] {
            for (a_moves, b_moves) in [(true, true), (true, false), (false, true), (false, false)] {
                let bs = [numbers([k, n], 2, b_moves), numbers([n, k], 3, b_moves).t()];
                for (a, b) in bs.into_iter().map(|b| (numbers([m, k], 0, a_moves), b)) {
                    let product = a.matmul(&b);
                    let mut sum = product.copy();
                    sum.add_matmul_tn(&a.t().copy(), &b);
                    for (i, j) in (0..m * n).map(|at| (at / n, at % n)) {
                        let by_hand = (0..k).fold(Two::ZERO, |sum, p| sum + a.at([i, p]) * b.at([p, j]));
                        let (got, twice) = (product.at([i, j]), sum.at([i, j]));
                        assert_eq!((got.value, got.tangents), (by_hand.value, by_hand.tangents));
                        assert_eq!((twice.value, twice.tangents), (2.0 * got.value, got.tangents.map(|t| 2.0 * t)));
                    }
                }
            }
        }
    }
}
