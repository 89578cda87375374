//! The gated recurrent unit as first published.

use crate::layers::activation_fn::Activation;
use crate::layers::dense::Dense;
use crate::layers::init::{blocks, orthogonal};
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The gated recurrent unit with the reset gate before the product; its output is its state h
/// `[B, H]`.
///
/// ```text
/// r_t = σ(x_t W_r + b_r + h_{t-1} U_r)
/// z_t = σ(x_t W_z + b_z + h_{t-1} U_z)
/// n_t = tanh(x_t W_n + b_n + (r_t ⊙ h_{t-1}) U_n)
/// h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}
/// ```
///
/// Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical
/// machine translation"; Keras's `reset_after=False`. It needs two products per step where
/// [`Gru`](crate::cells::Gru) needs one.
///
/// ```
/// use unspool::cells::GruResetBefore;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(GruResetBefore::<Tensor>::new(&mut rng(0), 3, 5));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias", "cell.u", "cell.u_n"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct GruResetBefore<P> {
    /// The projection of the input: `W` `[F, 3H]` and `b` `[3H]`, in the order r, z, n.
    pub x: Dense<P>,
    /// `U_r` and `U_z`: `[H, 2H]`.
    pub u: P,
    /// `U_n`: `[H, H]`.
    pub u_n: P,
    /// The activation of n; tanh by default.
    pub activation: Activation,
    /// The activation of the gates; the logistic function by default.
    pub recurrent_activation: Activation,
}

impl<T: Scalar> GruResetBefore<Tensor<T>> {
    /// A cell with Glorot-uniform input weights, orthogonal recurrent weights and zero biases.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::gates(rng, inputs, hidden, [0.0; 3]);
        let u = blocks(rng, 2, |rng| orthogonal(rng, hidden, hidden));
        GruResetBefore {
            x,
            u,
            u_n: orthogonal(rng, hidden, hidden),
            activation: Activation::Tanh,
            recurrent_activation: Activation::Sigmoid,
        }
    }
}

impl<P> GruResetBefore<P> {
    /// The same cell with another activation instead of tanh: Keras's `activation`.
    pub fn activation(self, activation: Activation) -> Self {
        GruResetBefore { activation, ..self }
    }

    /// The same cell with another activation of the gates instead of σ: Keras's
    /// `recurrent_activation`.
    pub fn recurrent_activation(self, recurrent_activation: Activation) -> Self {
        GruResetBefore { recurrent_activation, ..self }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for GruResetBefore<Var<'t, T>> {
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
        let [hr, hz] = h.matmul(self.u).chunks();
        let r = self.recurrent_activation.of(xr + hr);
        let z = self.recurrent_activation.of(xz + hz);
        let n = self.activation.of(xn + (r * h).matmul(self.u_n));
        let h = n.lerp(h, z); // (1 - z) n + z h
        (h, h)
    }

    step_in_at_callers_line!();

    fn gates(&self) -> &'static [&'static str] {
        &["r", "z"]
    }
}

/// A recurrent layer of [`GruResetBefore`], for
/// [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::gru_reset_before;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(gru_reset_before(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn gru_reset_before(
    inputs: usize,
    hidden: usize,
) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> GruResetBefore<Tensor>> {
    recurrent(move |rng| GruResetBefore::new(rng, inputs, hidden))
}
