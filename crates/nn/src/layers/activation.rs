//! The functions at the end of a step.

use unspool_autograd::{Scalar, Var};

/// An elementwise function, as configuration of a cell: of [`SimpleRnn`](crate::cells::SimpleRnn) and
/// [`IndRnn`](crate::cells::IndRnn), twice of [`Lstm`](crate::cells::Lstm), [`Gru`](crate::cells::Gru) and
/// [`GruResetBefore`](crate::cells::GruResetBefore).
///
/// ```
/// use unspool_nn::layers::Activation;
/// use unspool_autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.constant(&Tensor::from_vec(vec![-2.0, 0.5, 3.0], [3]));
/// assert_eq!(Activation::LeakyRelu(0.5).of(x).value().to_vec(), [-1.0, 0.5, 3.0]);
/// assert_eq!(Activation::HardSwish.of(x).value().to_vec(), [-1.0 / 3.0, 0.5 * 3.5 / 6.0, 3.0]);
/// assert_eq!(Activation::HardTanh.of(x).value().to_vec(), [-1.0, 0.5, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// The hyperbolic tangent.
    #[default]
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// The positive part.
    Relu,
    /// The positive part, and the negative part times this slope.
    LeakyRelu(f64),
    /// `x` where positive, this number times `exp(x) - 1` elsewhere.
    Elu(f64),
    /// `x` where positive, `1.673.. (exp(x) - 1)` elsewhere, times 1.0507..
    Selu,
    /// `x` times the normal distribution's function of `x`.
    Gelu,
    /// `x` times its logistic function.
    Silu,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `x` times the hyperbolic tangent of its softplus.
    Mish,
    /// `x / (1 + |x|)`.
    Softsign,
    /// The logarithm of the logistic function.
    LogSigmoid,
    /// A straight line between 0 at -3 and 1 at 3.
    HardSigmoid,
    /// `x` times its `HardSigmoid`.
    HardSwish,
    /// `x`, kept between -1 and 1.
    HardTanh,
    /// `x` itself.
    Identity,
}

impl Activation {
    /// The function of each element of `x`.
    #[inline]
    pub fn of<T: Scalar>(self, x: Var<'_, T>) -> Var<'_, T> {
        match self {
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Relu => x.relu(),
            Activation::LeakyRelu(slope) => x.leaky_relu(slope),
            Activation::Elu(alpha) => x.elu(alpha),
            Activation::Selu => x.selu(),
            Activation::Gelu => x.gelu(),
            Activation::Silu => x.silu(),
            Activation::Softplus => x.softplus(),
            Activation::Mish => x.mish(),
            Activation::Softsign => x.softsign(),
            Activation::LogSigmoid => x.logsigmoid(),
            Activation::HardSigmoid => x.hardsigmoid(),
            Activation::HardSwish => x.hardswish(),
            Activation::HardTanh => x.hardtanh(),
            Activation::Identity => x,
        }
    }
}
