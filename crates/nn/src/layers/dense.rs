//! The fully connected layer.

use crate::context::Context;
use crate::layers::init::{blocks, glorot_uniform};
use crate::layers::layer::Layer;
use crate::layers::masks::zero_padding;
use crate::random::Rng;
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// `y = x W + b`, for each row of `x`: `[.., F] -> [.., O]`.
///
/// `weight` is `[F, O]`, `bias` is `[O]`.
///
/// ```
/// use unspool::prelude::*;
/// let layer: Dense<Tensor> = Dense::new(&mut rng(0), 3, 2);
/// let tape = Tape::new();
/// let y = tape.bind(&layer).forward(tape.constant(&Tensor::ones([5, 4, 3])));
/// assert_eq!(y.shape()[..], [5, 4, 2]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct Dense<P> {
    /// `W`: `[inputs, outputs]`.
    pub weight: P,
    /// `b`: `[outputs]`.
    pub bias: P,
}

impl<T: Scalar> Dense<Tensor<T>> {
    /// A layer with [`glorot_uniform`] weights and zero bias.
    pub fn new(rng: &mut Rng, inputs: usize, outputs: usize) -> Self {
        Dense { weight: glorot_uniform(rng, inputs, outputs), bias: Tensor::zeros([outputs]) }
    }

    /// The projection of a cell's input for several gates, each with its own [`glorot_uniform`]
    /// weights and a bias from `biases`.
    ///
    /// ```
    /// use unspool::{Dense, Tensor, rng};
    /// let x: Dense<Tensor> = Dense::gates(&mut rng(0), 3, 2, [0.0, 1.0, 0.0]);
    /// assert_eq!(x.weight.shape()[..], [3, 6]);
    /// assert_eq!(x.bias.to_vec(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    /// ```
    pub fn gates<const N: usize>(rng: &mut Rng, inputs: usize, hidden: usize, biases: [f64; N]) -> Self {
        let bias = Tensor::from_fn([N * hidden], |i| T::from_f64(biases[i / hidden]));
        Dense { weight: blocks(rng, N, |rng| glorot_uniform(rng, inputs, hidden)), bias }
    }
}

impl<'t, T: Scalar> Layer<'t, T> for Dense<Var<'t, T>> {
    type Output = Var<'t, T>;

    #[track_caller]
    fn apply(&self, x: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
        let _scope = x.tape().layer_scope(self);
        let (shape, weight) = (x.shape(), self.weight.shape());
        if let Some(features) = shape.last().filter(|&features| *features != weight[0]) {
            let takes = weight[0];
            fail!(
                "linear: shapes {shape} and {weight} do not multiply: the layer takes {takes} features, the input has {features}"
            );
        }
        zero_padding(x, cx).linear(self.weight, self.bias)
    }
}

/// A [`Dense`] layer, for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(dense(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([4, 3])).shape()[..], [4, 1]);
/// ```
pub fn dense(inputs: usize, outputs: usize) -> impl FnOnce(&mut Rng) -> Dense<Tensor> {
    move |rng| Dense::new(rng, inputs, outputs)
}
