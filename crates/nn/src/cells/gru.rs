//! The gated recurrent unit.

use crate::layers::activation_fn::Activation;
use crate::layers::dense::Dense;
use crate::layers::init::{blocks, orthogonal};
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The gated recurrent unit; its output is its state h `[B, H]`.
///
/// ```text
/// r_t = σ(x_t W_r + b_r + h_{t-1} U_r)
/// z_t = σ(x_t W_z + b_z + h_{t-1} U_z)
/// n_t = tanh(x_t W_n + b_in + r_t ⊙ (h_{t-1} U_n + b_n))
/// h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}
/// ```
///
/// Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical
/// machine translation". The reset gate r acts after the product with `U_n`, as in PyTorch and
/// Keras, so one product serves all gates; [`GruResetBefore`](crate::cells::GruResetBefore) is the
/// form in the paper.
///
/// ```
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 3, 5));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias", "cell.u", "cell.recurrent_bias"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct Gru<P> {
    /// The projection of the input: `W` `[F, 3H]` and `b` `[3H]`, in the order r, z, n.
    pub x: Dense<P>,
    /// `U`: `[H, 3H]`, in the same order.
    pub u: P,
    /// `b_n`, the recurrent bias of n: `[H]`.
    pub recurrent_bias: P,
    /// The activation of n; tanh by default.
    pub activation: Activation,
    /// The activation of the gates; the logistic function by default.
    pub recurrent_activation: Activation,
}

impl<T: Scalar> Gru<Tensor<T>> {
    /// A cell with Glorot-uniform input weights, orthogonal recurrent weights and zero biases.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::gates(rng, inputs, hidden, [0.0; 3]);
        let u = blocks(rng, 3, |rng| orthogonal(rng, hidden, hidden));
        Gru {
            x,
            u,
            recurrent_bias: Tensor::zeros([hidden]),
            activation: Activation::Tanh,
            recurrent_activation: Activation::Sigmoid,
        }
    }
}

impl<P> Gru<P> {
    /// The same cell with another activation instead of tanh: Keras's `activation`.
    pub fn activation(self, activation: Activation) -> Self {
        Gru { activation, ..self }
    }

    /// The same cell with another activation of the gates instead of σ: Keras's
    /// `recurrent_activation`.
    pub fn recurrent_activation(self, recurrent_activation: Activation) -> Self {
        Gru { recurrent_activation, ..self }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for Gru<Var<'t, T>> {
    type State = Var<'t, T>;

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        self.u.new_zeros([batch, self.u.shape()[0]])
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, h: Self::State) -> (Var<'t, T>, Self::State) {
        let [xr, xz, xn] = x.chunks();
        let [hr, hz, hn] = h.matmul(self.u).chunks();
        let r = self.recurrent_activation.of(xr + hr);
        let z = self.recurrent_activation.of(xz + hz);
        let n = self.activation.of(xn + r * (hn + self.recurrent_bias));
        let h = n.lerp(h, z); // (1 - z) n + z h
        (h, h)
    }

    step_in_at_callers_line!();

    fn gates(&self) -> &'static [&'static str] {
        &["r", "z"]
    }
}

/// A recurrent layer of [`Gru`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::{Tensor, dense, gru, predict, sequential};
/// let model = sequential().add(gru(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn gru(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> Gru<Tensor>> {
    recurrent(move |rng| Gru::new(rng, inputs, hidden))
}
