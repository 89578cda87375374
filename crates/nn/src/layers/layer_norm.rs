//! Layer normalization with gain and bias.

use crate::context::Context;
use crate::layers::layer::Layer;
use crate::layers::masks::zero_padding;
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// Normalizes features `[.., F]` to mean 0 and variance 1, then applies a gain and a bias to each:
/// `y = gain (x - mean) / sqrt(variance + 1e-5) + bias`.
///
/// Ba, Kiros and Hinton 2016, "Layer normalization". See [`Var::layer_norm`].
///
/// ```
/// use unspool::layers::LayerNorm;
/// use unspool::{Layer, Tape, Tensor};
/// let layer: LayerNorm<Tensor> = LayerNorm::new(2);
/// let tape = Tape::new();
/// let x = tape.constant(&Tensor::from_vec(vec![10.0, 30.0], [1, 2]));
/// let y = tape.bind(&layer).forward(x).value();
/// assert!((y.at([0, 0]) + 1.0).abs() < 1e-6);
/// ```
#[derive(Params, Clone, Debug)]
pub struct LayerNorm<P> {
    /// `[F]`, initially 1.
    pub gain: P,
    /// `[F]`, initially 0.
    pub bias: P,
}

impl<T: Scalar> LayerNorm<Tensor<T>> {
    /// A layer over `features` features.
    pub fn new(features: usize) -> Self {
        LayerNorm { gain: Tensor::ones([features]), bias: Tensor::zeros([features]) }
    }
}

impl<'t, T: Scalar> Layer<'t, T> for LayerNorm<Var<'t, T>> {
    type Output = Var<'t, T>;

    #[track_caller]
    fn apply(&self, x: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
        let _scope = x.tape().layer_scope(self);
        zero_padding(x, cx).layer_norm_affine(self.gain, self.bias, 1e-5)
    }
}
