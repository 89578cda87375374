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
///
/// ```
/// use unspool::layers::Activation;
/// use unspool::layers::activations::{Activate, relu};
/// assert_eq!(relu().0, Activation::Relu);
/// let softer = Activate(Activation::Elu(0.5));
/// ```
#[derive(Params, Clone, Copy, Debug)]
pub struct Activate(pub Activation);

/// Probabilities, or their logarithms, from scores `[.., F]` over the last axis: the layers
/// [`softmax`] and [`log_softmax`].
///
/// ```
/// use unspool::layers::activations::{Softmax, softmax};
/// use unspool::{Layer, Tape, Tensor};
/// let tape = Tape::<f32>::new();
/// let layer: Softmax = softmax();
/// let p = layer.forward(tape.constant(&Tensor::zeros([2, 4])));
/// assert_eq!(p.value().at([1, 3]), 0.25);
/// ```
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
///
/// ```
/// use unspool::layers::activations::tanh;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(tanh()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-0.762_f32, 0.000, 0.964]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn tanh() -> Activate {
    Activate(Activation::Tanh)
}

/// [`Var::sigmoid`] of each element.
///
/// ```
/// use unspool::layers::activations::sigmoid;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(sigmoid()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([0.269_f32, 0.500, 0.881]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn sigmoid() -> Activate {
    Activate(Activation::Sigmoid)
}

/// [`Var::relu`] of each element.
///
/// ```
/// use unspool::layers::activations::relu;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(relu()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([0.000_f32, 0.000, 2.000]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn relu() -> Activate {
    Activate(Activation::Relu)
}

/// [`Var::leaky_relu`] of each element.
///
/// ```
/// use unspool::layers::activations::leaky_relu;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(leaky_relu(0.1)), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-0.100_f32, 0.000, 2.000]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn leaky_relu(slope: f64) -> Activate {
    Activate(Activation::LeakyRelu(slope))
}

/// [`Var::elu`] of each element.
///
/// ```
/// use unspool::layers::activations::elu;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(elu(1.0)), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-0.632_f32, 0.000, 2.000]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn elu(alpha: f64) -> Activate {
    Activate(Activation::Elu(alpha))
}

/// [`Var::selu`] of each element.
///
/// ```
/// use unspool::layers::activations::selu;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(selu()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-1.111_f32, 0.000, 2.101]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn selu() -> Activate {
    Activate(Activation::Selu)
}

/// [`Var::gelu`] of each element.
///
/// ```
/// use unspool::layers::activations::gelu;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(gelu()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-0.159_f32, 0.000, 1.954]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn gelu() -> Activate {
    Activate(Activation::Gelu)
}

/// [`Var::silu`] of each element.
///
/// ```
/// use unspool::layers::activations::silu;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(silu()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-0.269_f32, 0.000, 1.762]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn silu() -> Activate {
    Activate(Activation::Silu)
}

/// [`Var::softplus`] of each element.
///
/// ```
/// use unspool::layers::activations::softplus;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(softplus()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([0.313_f32, 0.693, 2.127]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn softplus() -> Activate {
    Activate(Activation::Softplus)
}

/// [`Var::mish`] of each element.
///
/// ```
/// use unspool::layers::activations::mish;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(mish()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-0.303_f32, 0.000, 1.944]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn mish() -> Activate {
    Activate(Activation::Mish)
}

/// [`Var::softsign`] of each element.
///
/// ```
/// use unspool::layers::activations::softsign;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(softsign()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-0.500_f32, 0.000, 0.667]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn softsign() -> Activate {
    Activate(Activation::Softsign)
}

/// [`Var::logsigmoid`] of each element.
///
/// ```
/// use unspool::layers::activations::logsigmoid;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(logsigmoid()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-1.313_f32, -0.693, -0.127]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn logsigmoid() -> Activate {
    Activate(Activation::LogSigmoid)
}

/// [`Var::hardsigmoid`] of each element.
///
/// ```
/// use unspool::layers::activations::hardsigmoid;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(hardsigmoid()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([0.333_f32, 0.500, 0.833]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn hardsigmoid() -> Activate {
    Activate(Activation::HardSigmoid)
}

/// [`Var::hardtanh`] of each element.
///
/// ```
/// use unspool::layers::activations::hardtanh;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(hardtanh()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-1.000_f32, 0.000, 1.000]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn hardtanh() -> Activate {
    Activate(Activation::HardTanh)
}

/// [`Var::hardswish`] of each element.
///
/// ```
/// use unspool::layers::activations::hardswish;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(hardswish()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-0.333_f32, 0.000, 1.667]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn hardswish() -> Activate {
    Activate(Activation::HardSwish)
}

/// [`Var::softmax`] over the last axis, `[.., F]`.
///
/// ```
/// use unspool::layers::activations::softmax;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(softmax()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([0.042_f32, 0.114, 0.844]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn softmax() -> Softmax {
    Softmax { logarithms: false }
}

/// [`Var::log_softmax`] over the last axis, `[.., F]`.
///
/// ```
/// use unspool::layers::activations::log_softmax;
/// use unspool::{Tensor, predict, sequential};
/// let y = predict(&sequential().add(log_softmax()), &Tensor::from_slice(&[-1.0, 0.0, 2.0], [1, 3]));
/// assert!(y.to_vec().iter().zip([-3.170_f32, -2.170, -0.170]).all(|(y, expected)| (y - expected).abs() < 1e-3));
/// ```
pub fn log_softmax() -> Softmax {
    Softmax { logarithms: true }
}
