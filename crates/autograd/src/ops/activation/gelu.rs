//! `gelu`

use super::silu::{at_least, within};
use crate::elementwise;
use crate::tape::Var;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};
use unspool_tensor::Scalar;

elementwise! {
    struct Gelu = "gelu";
    value: |x| at_least(-FAR, x) * cumulative(x);
    derivative: |x, _| cumulative(x) + within(FAR, x) * density(x);
}

// `(1 + tanh(u)) / 2 = sigmoid(2 u)`, in which nothing cancels.
elementwise! {
    struct GeluTanh = "gelu_tanh";
    value: |x| at_least(-FAR, x) * twice_inner(x).sigmoid();
    derivative: |x, _| {
        let (x, u) = (within(FAR, x), twice_inner(x));
        let slope = T::from_f64(2.0 * SCALE) * (T::ONE + T::from_f64(3.0 * CUBIC) * x * x); // of `twice_inner`
        u.sigmoid() + x * (u.sigmoid() * (-u).sigmoid()) * slope
    };
}

/// `sqrt(2 / pi)`.
const SCALE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
const CUBIC: f64 = 0.044715;

/// Beyond this distance from 0, both functions and their slopes have their values at infinity, in
/// every type.
const FAR: f64 = 40.0;

/// The probability that a normal number is less than `x`.
#[inline(always)]
fn cumulative<T: Scalar>(x: T) -> T {
    T::from_f64(0.5) * (x * T::from_f64(-FRAC_1_SQRT_2)).erfc()
}

/// The density of the normal distribution.
#[inline(always)]
fn density<T: Scalar>(x: T) -> T {
    T::from_f64(0.5 * SCALE) * (T::from_f64(-0.5) * x * x).exp()
}

#[inline(always)]
fn twice_inner<T: Scalar>(x: T) -> T {
    T::from_f64(2.0 * SCALE) * (x + T::from_f64(CUBIC) * x * x * x)
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x P(x)` of each element, with `P` the distribution function of the normal distribution:
    /// `dy/dx = P(x) + x p(x)` with its density `p`.
    ///
    /// Hendrycks and Gimpel 2016, "Gaussian error linear units (GELUs)".
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-40.0, 0.0, 40.0], [3]));
    /// let y = x.gelu();
    /// assert_eq!(y.value().to_vec(), [0.0, 0.0, 40.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.5, 1.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn gelu(self) -> Self {
        self.unary(Gelu)
    }

    /// An approximation of [`gelu`](Var::gelu), from the same paper: `y = x/2 (1 + t)` with
    /// `t = tanh(u)` and `u = sqrt(2/pi) (x + 0.044715 x³)`.
    /// `dy/dx = (1 + t + x (1 - t²) du/dx) / 2`, `du/dx = sqrt(2/pi) (1 + 0.134145 x²)`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-40.0, 0.0, 40.0], [3]));
    /// let y = x.gelu_tanh();
    /// assert_eq!(y.value().to_vec(), [0.0, 0.0, 40.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.5, 1.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn gelu_tanh(self) -> Self {
        self.unary(GeluTanh)
    }
}
