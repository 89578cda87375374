//! The sigmoid and its relatives: smooth, and bounded on one side at least.

use crate::elementwise;
use crate::tape::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Tanh = "tanh";
    value: |x| x.tanh();
    derivative: |_, y| T::ONE - y * y;
}

/// # Activation
impl<T: Scalar> Var<'_, T> {
    /// The hyperbolic tangent of each element: `y = tanh x`, `dy/dx = 1 - y²`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(0.0));
    /// let y = x.tanh();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (0.0, 1.0));
    /// ```
    #[inline]
    #[track_caller]
    pub fn tanh(self) -> Self {
        self.unary(Tanh)
    }
}

elementwise! {
    struct Sigmoid = "sigmoid";
    value: |x| x.sigmoid();
    derivative: |_, y| y * (T::ONE - y);
}

impl<T: Scalar> Var<'_, T> {
    /// The logistic function of each element: `y = 1 / (1 + exp(-x))`, `dy/dx = y (1 - y)`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(0.0));
    /// let y = x.sigmoid();
    /// assert_eq!((y.item(), y.backward().wrt(x).item()), (0.5, 0.25));
    /// ```
    #[inline]
    #[track_caller]
    pub fn sigmoid(self) -> Self {
        self.unary(Sigmoid)
    }
}

elementwise! {
    struct Softplus = "softplus";
    value: |x| (if x > T::ZERO { x } else { T::ZERO }) + (-x.abs()).exp().ln_1p();
    derivative: |x, _| x.sigmoid();
}

impl<T: Scalar> Var<'_, T> {
    /// `y = ln(1 + exp(x))` of each element, finite wherever `x` is: `dy/dx = sigmoid(x)`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.0, 1e4], [2]));
    /// let y = x.softplus();
    /// assert_eq!(y.value().to_vec(), [2f64.ln(), 1e4]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 1.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn softplus(self) -> Self {
        self.unary(Softplus)
    }
}

elementwise! {
    struct Logsigmoid = "logsigmoid";
    value: |x| (if x < T::ZERO { x } else { T::ZERO }) - (-x.abs()).exp().ln_1p();
    derivative: |x, _| (-x).sigmoid();
}

impl<T: Scalar> Var<'_, T> {
    /// `y = ln sigmoid(x)` of each element, finite wherever `x` is: `dy/dx = sigmoid(-x)`. It is
    /// `-softplus(-x)`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1e4, 0.0, 1e4], [3]));
    /// let y = x.logsigmoid();
    /// assert_eq!(y.value().to_vec(), [-1e4, -2f64.ln(), 0.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 0.5, 0.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn logsigmoid(self) -> Self {
        self.unary(Logsigmoid)
    }
}

elementwise! {
    struct Softsign = "softsign";
    value: |x| if x.abs().is_finite() { x / (T::ONE + x.abs()) } else { x.sign() };
    derivative: |x, _| {
        let s = T::ONE / (T::ONE + x.abs());
        s * s
    };
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x / (1 + |x|)` of each element, between -1 and 1: `dy/dx = 1 / (1 + |x|)²`.
    ///
    /// Turian, Bergstra and Bengio 2009, "Quadratic features and deep architectures for chunking".
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1.0, 0.0, f64::INFINITY], [3]));
    /// let y = x.softsign();
    /// assert_eq!(y.value().to_vec(), [-0.5, 0.0, 1.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.25, 1.0, 0.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn softsign(self) -> Self {
        self.unary(Softsign)
    }
}
