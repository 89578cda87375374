//! Exponentials, logarithms, trigonometric functions, the error function and the gamma function.

use crate::elementwise;
use crate::tape::Var;
use std::f64::consts::FRAC_2_SQRT_PI;
use unspool_tensor::Scalar;

elementwise! {
    struct Exp = "exp";
    value: |x| x.exp();
    derivative: |_, y| y;
}

/// # Exponential
impl<T: Scalar> Var<'_, T> {
    /// e to the power of each element: `y = exp(x)`, `dy/dx = y`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(0.0));
    /// let y = x.exp();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (1.0, 1.0));
    /// ```
    #[inline]
    #[track_caller]
    pub fn exp(self) -> Self {
        self.unary(Exp)
    }
}

elementwise! {
    struct ExpM1 = "expm1";
    value: |x| x.exp_m1();
    derivative: |_, y| y + T::ONE;
}

impl<T: Scalar> Var<'_, T> {
    /// `y = exp(x) - 1` of each element, accurate near 0: `dy/dx = y + 1`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(1e-20));
    /// let y = x.expm1();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (1e-20, 1.0));
    /// ```
    #[inline]
    #[track_caller]
    pub fn expm1(self) -> Self {
        self.unary(ExpM1)
    }
}

elementwise! {
    struct Ln = "ln";
    value: |x| x.ln();
    derivative: |x, _| T::ONE / x;
}

impl<T: Scalar> Var<'_, T> {
    /// The natural logarithm of each element: `y = ln x`, `dy/dx = 1 / x`.
    ///
    /// At 0 it is minus infinity and the gradient is infinite; below 0 it is NaN and the gradient
    /// is still `1 / x`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 0.0], [2]));
    /// let y = x.ln();
    /// assert_eq!(y.value().to_vec(), [0.0, f64::NEG_INFINITY]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, f64::INFINITY]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn ln(self) -> Self {
        self.unary(Ln)
    }
}

elementwise! {
    struct Ln1p = "ln1p";
    value: |x| x.ln_1p();
    derivative: |x, _| T::ONE / (T::ONE + x);
}

impl<T: Scalar> Var<'_, T> {
    /// `y = ln(1 + x)` of each element, accurate near 0: `dy/dx = 1 / (1 + x)`.
    ///
    /// At -1 it is minus infinity and the gradient is infinite; below -1 it is NaN and the gradient
    /// is still `1 / (1 + x)`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(1e-20));
    /// let y = x.ln1p();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (1e-20, 1.0));
    /// ```
    #[inline]
    #[track_caller]
    pub fn ln1p(self) -> Self {
        self.unary(Ln1p)
    }
}

elementwise! {
    struct Sin = "sin";
    value: |x| x.sin();
    derivative: |x, _| x.cos();
}

impl<T: Scalar> Var<'_, T> {
    /// The sine of each element, in radians: `y = sin x`, `dy/dx = cos x`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(0.0));
    /// let y = x.sin();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (0.0, 1.0));
    /// ```
    #[inline]
    #[track_caller]
    pub fn sin(self) -> Self {
        self.unary(Sin)
    }
}

elementwise! {
    struct Cos = "cos";
    value: |x| x.cos();
    derivative: |x, _| -x.sin();
}

impl<T: Scalar> Var<'_, T> {
    /// The cosine of each element, in radians: `y = cos x`, `dy/dx = -sin x`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(0.0));
    /// let y = x.cos();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (1.0, 0.0));
    /// ```
    #[inline]
    #[track_caller]
    pub fn cos(self) -> Self {
        self.unary(Cos)
    }
}

elementwise! {
    struct Atan = "atan";
    value: |x| x.atan();
    derivative: |x, _| T::ONE / (T::ONE + x * x);
}

elementwise! {
    struct Atan2 = "atan2";
    value: |[y, x]| y.atan2(x);
    gradients: |[y, x], _, d| [d * y.atan2_slopes(x)[0], d * y.atan2_slopes(x)[1]];
}

impl<T: Scalar> Var<'_, T> {
    /// The arc tangent of each element, between `-pi / 2` and `pi / 2`: `dy/dx = 1 / (1 + x²)`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, 1.0, f64::NEG_INFINITY], [3]));
    /// let y = x.atan();
    /// assert_eq!(y.value().to_vec(), [0.0, std::f64::consts::FRAC_PI_4, -std::f64::consts::FRAC_PI_2]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 0.5, 0.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn atan(self) -> Self {
        self.unary(Atan)
    }

    /// The angle of each point `(x, y)`, `y.atan2(x)`, between `-pi` and `pi`, from the positive x
    /// axis. The shapes broadcast. With `r² = x² + y²`, the gradient is `x / r²` with respect to
    /// `y` and `-y / r²` with respect to `x`.
    ///
    /// At the origin the angle is 0 or `pi` by the signs of its zeros, as in IEEE 754, and both
    /// gradients are 0 (as in PyTorch).
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let y = tape.variable(&Tensor::from_vec(vec![2.0, 0.0, 0.0], [3]));
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, -4.0, 0.0], [3]));
    /// let angle = y.atan2(x);
    /// assert_eq!(angle.value().to_vec(), [std::f64::consts::FRAC_PI_2, std::f64::consts::PI, 0.0]);
    /// let gradients = angle.sum().backward();
    /// assert_eq!(gradients.wrt(y).to_vec(), [0.0, -0.25, 0.0]);
    /// assert_eq!(gradients.wrt(x).to_vec(), [-0.5, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn atan2(self, x: Self) -> Self {
        self.tape.apply(Atan2, &[self, x])
    }
}

elementwise! {
    struct Lgamma = "lgamma";
    value: |x| x.lgamma();
    derivative: |x, _| x.polygamma(0);
}

elementwise! {
    struct Digamma = "digamma";
    value: |x| x.polygamma(0);
    derivative: |x, _| x.polygamma(1);
}

impl<T: Scalar> Var<'_, T> {
    /// The logarithm of the absolute value of the gamma function: `y = ln |gamma(x)|`,
    /// `dy/dx = digamma(x)`. `gamma(n) = (n - 1)!`.
    ///
    /// It is infinite at 0 and at negative integers.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 5.0], [2]));
    /// let y = x.lgamma();
    /// assert!((y.value().at([1]) - 24f64.ln()).abs() < 1e-14);
    /// let euler = 0.5772156649015329;
    /// assert!((y.sum().backward().wrt(x).at([0]) + euler).abs() < 1e-14);
    /// ```
    #[inline]
    #[track_caller]
    pub fn lgamma(self) -> Self {
        self.unary(Lgamma)
    }

    /// The digamma function, the derivative of [`lgamma`](Var::lgamma): `y = gamma'(x) / gamma(x)`,
    /// `dy/dx = trigamma(x)`.
    ///
    /// At 0 it is infinite, at negative integers NaN (as in PyTorch).
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0f64, 2.0], [2]));
    /// let y = x.digamma();
    /// let [one, two] = [0, 1].map(|i| y.value().at([i]));
    /// assert!((two - one - 1.0).abs() < 1e-14); // digamma(x + 1) = digamma(x) + 1 / x
    /// let slope = y.sum().backward().wrt(x).at([0]);
    /// assert!((slope - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-13);
    /// ```
    #[inline]
    #[track_caller]
    pub fn digamma(self) -> Self {
        self.unary(Digamma)
    }
}

elementwise! {
    struct Erfc = "erfc";
    value: |x| x.erfc();
    derivative: |x, _| T::from_f64(-FRAC_2_SQRT_PI) * (-(x * x)).exp();
}

elementwise! {
    struct Erf = "erf";
    value: |x| x.erf();
    derivative: |x, _| T::from_f64(FRAC_2_SQRT_PI) * (-(x * x)).exp();
}

impl<T: Scalar> Var<'_, T> {
    /// The error function of each element, `2 / sqrt(pi)` times the integral of `exp(-t²)` from 0
    /// to `x`: `dy/dx = 2 / sqrt(pi) exp(-x²)`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, -10.0], [2]));
    /// let y = x.erf();
    /// assert_eq!(y.value().to_vec(), [0.0, -1.0]);
    /// let slopes = y.sum().backward().wrt(x);
    /// assert_eq!(slopes.at([0]), std::f64::consts::FRAC_2_SQRT_PI);
    /// assert!(slopes.at([1]) < 1e-43);
    /// ```
    #[inline]
    #[track_caller]
    pub fn erf(self) -> Self {
        self.unary(Erf)
    }

    /// `y = 1 - erf(x)` of each element, exact where that is small:
    /// `dy/dx = -2 / sqrt(pi) exp(-x²)`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, 20.0], [2]));
    /// let y = x.erfc();
    /// assert_eq!(y.value().at([0]), 1.0);
    /// assert!(y.value().at([1]) > 5e-176);
    /// assert_eq!(y.sum().backward().wrt(x).at([0]), -std::f64::consts::FRAC_2_SQRT_PI);
    /// ```
    #[inline]
    #[track_caller]
    pub fn erfc(self) -> Self {
        self.unary(Erfc)
    }
}
