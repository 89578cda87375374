//! Activation functions as configuration.

use unspool_autograd::{Scalar, Var};

/// An activation function, as configuration of a cell: [`SimpleRnn`](crate::cells::SimpleRnn) and
/// [`IndRnn`](crate::cells::IndRnn) have one, [`Lstm`](crate::cells::Lstm),
/// [`Gru`](crate::cells::Gru) and [`GruResetBefore`](crate::cells::GruResetBefore) two.
///
/// ```
/// use unspool::layers::Activation;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.constant(&Tensor::from_vec(vec![-2.0, 0.5, 3.0], [3]));
/// assert_eq!(Activation::LeakyRelu(0.5).of(x).value().to_vec(), [-1.0, 0.5, 3.0]);
/// assert_eq!(Activation::HardSwish.of(x).value().to_vec(), [-1.0 / 3.0, 0.5 * 3.5 / 6.0, 3.0]);
/// assert_eq!(Activation::HardTanh.of(x).value().to_vec(), [-1.0, 0.5, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// The hyperbolic tangent.
    #[default]
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// `max(x, 0)`.
    Relu,
    /// `x` if positive, this slope times `x` otherwise.
    LeakyRelu(f64),
    /// `x` if positive, this factor times `exp(x) - 1` otherwise.
    Elu(f64),
    /// 1.0507.. times `x` if positive, times `1.673.. (exp(x) - 1)` otherwise.
    Selu,
    /// `x Φ(x)`, with the cumulative distribution function of the standard normal distribution.
    Gelu,
    /// `x sigmoid(x)`.
    Silu,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `x tanh(softplus(x))`.
    Mish,
    /// `x / (1 + |x|)`.
    Softsign,
    /// `ln(sigmoid(x))`.
    LogSigmoid,
    /// 0 below -3, 1 above 3, and a straight line between them.
    HardSigmoid,
    /// `x hardsigmoid(x)`.
    HardSwish,
    /// `x` clamped to between -1 and 1.
    HardTanh,
    /// `x` itself.
    Identity,
}

impl Activation {
    /// Applies the function to each element of `x`.
    #[inline(never)]
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
