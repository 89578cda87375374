//! The rectifier and its relatives: the identity, scaled, where `x > 0`.

use crate::elementwise;
use crate::tape::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Relu = "relu";
    value: |x| if x < T::ZERO { T::ZERO } else { x };
    derivative: |x, _| if x <= T::ZERO { T::ZERO } else { T::ONE };
}

impl<T: Scalar> Var<'_, T> {
    /// The positive part of each element: `y = max(x, 0)`, `dy/dx = 1` where `x > 0`, else 0.
    ///
    /// At 0 the gradient is 0 (as in PyTorch). NaN stays NaN; its gradient is `dy`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-2.0, 0.0, 3.0], [3]));
    /// let y = x.relu();
    /// assert_eq!(y.value().to_vec(), [0.0, 0.0, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.0, 1.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn relu(self) -> Self {
        self.unary(Relu)
    }
}

elementwise! {
    struct LeakyRelu { slope } = "leaky_relu";
    value: |x| if x > T::ZERO { x } else { slope * x };
    derivative: |x, _| if x > T::ZERO { T::ONE } else { slope };
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x` where it is positive, `y = slope x` elsewhere: `dy/dx = 1` where `x > 0`, else
    /// `slope`.
    ///
    /// At 0 the gradient is `slope` (as in PyTorch).
    ///
    /// Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-2.0, 0.0, 3.0], [3]));
    /// let y = x.leaky_relu(0.25);
    /// assert_eq!(y.value().to_vec(), [-0.5, 0.0, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.25, 0.25, 1.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn leaky_relu(self, slope: f64) -> Self {
        self.unary(LeakyRelu { slope })
    }
}

elementwise! {
    struct Elu { alpha } = "elu";
    value: |x| if x > T::ZERO { x } else { alpha * x.exp_m1() };
    derivative: |x, _| if x > T::ZERO { T::ONE } else { alpha * x.exp() };
}

impl<T: Scalar> Var<'_, T> {
    /// `y = x` where it is positive, `y = alpha (exp(x) - 1)` elsewhere: `dy/dx = 1` where `x > 0`,
    /// else `y + alpha`.
    ///
    /// At 0 the gradient is `alpha` (as in PyTorch).
    ///
    /// Clevert, Unterthiner and Hochreiter 2016, "Fast and accurate deep network learning by
    /// exponential linear units".
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1e9, 0.0, 3.0], [3]));
    /// let y = x.elu(2.0);
    /// assert_eq!(y.value().to_vec(), [-2.0, 0.0, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 2.0, 1.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn elu(self, alpha: f64) -> Self {
        self.unary(Elu { alpha })
    }
}

/// The scale at which inputs of mean 0 and variance 1 give outputs of mean 0 and variance 1.
const SCALE: f64 = 1.050_700_987_355_480_5;
const SCALE_ALPHA: f64 = SCALE * 1.673_263_242_354_377_2;

elementwise! {
    struct Selu = "selu";
    value: |x| if x > T::ZERO { T::from_f64(SCALE) * x } else { T::from_f64(SCALE_ALPHA) * x.exp_m1() };
    derivative: |x, _| if x > T::ZERO { T::from_f64(SCALE) } else { T::from_f64(SCALE_ALPHA) * x.exp() };
}

impl<T: Scalar> Var<'_, T> {
    /// `y = s x` where it is positive, `y = s a (exp(x) - 1)` elsewhere, with `s = 1.0507..` and
    /// `a = 1.6733..`: `dy/dx = s` where `x > 0`, else `s a exp(x)`.
    ///
    /// At 0 the gradient is `s a` (as in PyTorch).
    ///
    /// Klambauer et al. 2017, "Self-normalizing neural networks".
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1e9, 0.0, 1.0], [3]));
    /// let y = x.selu();
    /// assert_eq!(y.value().to_vec(), [-1.7580993408473766, 0.0, 1.0507009873554805]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.7580993408473766, 1.0507009873554805]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn selu(self) -> Self {
        self.unary(Selu)
    }
}
