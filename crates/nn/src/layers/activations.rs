//! Activations as layers, for [`Sequential::add`](crate::layers::Sequential::add).
//!
//! ```
//! use unspool::layers::Activation;
//! use unspool::layers::activations::{relu, softmax};
//! use unspool::prelude::*;
//! let model = sequential()
//!     .add(dense(3, 8))
//!     .add(relu())
//!     .add(dense(8, 8))
//!     .add(Activation::Elu(1.0))
//!     .add(dense(8, 4))
//!     .add(softmax());
//! let tape = Tape::new();
//! let y = tape.bind(&model).forward(tape.constant(&Tensor::ones([2, 3])));
//! assert!(y.sum_axes(&[1]).value().to_vec().iter().all(|sum| (sum - 1.0).abs() < 1e-6));
//! ```
//!
//! Losses such as [`cross_entropy`](crate::losses::cross_entropy) and
//! [`bce_with_logits`](crate::losses::bce_with_logits) take scores (logits): a model trained with
//! them must not end with [`softmax`] or [`sigmoid`].

use crate::context::Context;
use crate::layers::activation_fn::Activation;
use crate::layers::layer::Layer;
use crate::layers::sequential::Build;
use crate::random::Rng;
use unspool_autograd::{Params, Scalar, Var};

/// An [`Activation`] as a layer, applied to each element of `[.., F]`.
#[derive(Params, Clone, Copy, Debug)]
pub struct Activate(pub Activation);

/// Probabilities, or their logarithms, from scores `[.., F]` over the last axis: the layers
/// [`softmax`] and [`log_softmax`].
#[derive(Params, Clone, Copy, Debug)]
pub struct Softmax {
    logarithms: bool,
}

impl<'t, T: Scalar> Layer<'t, T> for Activate {
    type Output = Var<'t, T>;

    #[track_caller]
    fn apply(&self, x: Var<'t, T>, _: Context<'_>) -> Var<'t, T> {
        self.0.of(x) // element by element: padding cannot reach a valid step
    }
}

impl<'t, T: Scalar> Layer<'t, T> for Softmax {
    type Output = Var<'t, T>;

    /// # Panics
    /// If `x` has rank 0.
    #[track_caller]
    fn apply(&self, x: Var<'t, T>, _: Context<'_>) -> Var<'t, T> {
        // Row by row: padding cannot reach a valid step.
        let rank = x.shape().rank();
        ensure!(rank > 0, "Softmax: a value of rank 0 has no axis of features");
        if self.logarithms { x.log_softmax(rank - 1) } else { x.softmax(rank - 1) }
    }
}

impl Build for Activation {
    type Layer = Activate;

    fn build(self, _: &mut Rng) -> Activate {
        Activate(self)
    }
}

impl Build for Activate {
    type Layer = Self;

    fn build(self, _: &mut Rng) -> Self {
        self
    }
}

impl Build for Softmax {
    type Layer = Self;

    fn build(self, _: &mut Rng) -> Self {
        self
    }
}

/// [`Var::tanh`] of each element.
pub fn tanh() -> Activate {
    Activate(Activation::Tanh)
}

/// [`Var::sigmoid`] of each element.
pub fn sigmoid() -> Activate {
    Activate(Activation::Sigmoid)
}

/// [`Var::relu`] of each element.
pub fn relu() -> Activate {
    Activate(Activation::Relu)
}

/// [`Var::leaky_relu`] of each element.
pub fn leaky_relu(slope: f64) -> Activate {
    Activate(Activation::LeakyRelu(slope))
}

/// [`Var::elu`] of each element.
pub fn elu(alpha: f64) -> Activate {
    Activate(Activation::Elu(alpha))
}

/// [`Var::selu`] of each element.
pub fn selu() -> Activate {
    Activate(Activation::Selu)
}

/// [`Var::gelu`] of each element.
pub fn gelu() -> Activate {
    Activate(Activation::Gelu)
}

/// [`Var::silu`] of each element.
pub fn silu() -> Activate {
    Activate(Activation::Silu)
}

/// [`Var::softplus`] of each element.
pub fn softplus() -> Activate {
    Activate(Activation::Softplus)
}

/// [`Var::mish`] of each element.
pub fn mish() -> Activate {
    Activate(Activation::Mish)
}

/// [`Var::softsign`] of each element.
pub fn softsign() -> Activate {
    Activate(Activation::Softsign)
}

/// [`Var::logsigmoid`] of each element.
pub fn logsigmoid() -> Activate {
    Activate(Activation::LogSigmoid)
}

/// [`Var::hardsigmoid`] of each element.
pub fn hardsigmoid() -> Activate {
    Activate(Activation::HardSigmoid)
}

/// [`Var::hardtanh`] of each element.
pub fn hardtanh() -> Activate {
    Activate(Activation::HardTanh)
}

/// [`Var::hardswish`] of each element.
pub fn hardswish() -> Activate {
    Activate(Activation::HardSwish)
}

/// [`Var::softmax`] over the last axis, `[.., F]`.
pub fn softmax() -> Softmax {
    Softmax { logarithms: false }
}

/// [`Var::log_softmax`] over the last axis, `[.., F]`.
pub fn log_softmax() -> Softmax {
    Softmax { logarithms: true }
}
