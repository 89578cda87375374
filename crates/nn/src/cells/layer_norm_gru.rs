//! The layer-normalized GRU.

use super::EPSILON;
use crate::layers::dense::Dense;
use crate::layers::init::{blocks, orthogonal};
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The layer-normalized gated recurrent unit; its output is its state h `[B, H]`.
///
/// ```text
/// [r̃_t, z̃_t] = a_x ⊙ LN(x_t W) + b + a_h ⊙ LN(h_{t-1} U)                  (columns of r, z)
/// n_t = tanh(a_x ⊙ LN(x_t W) + b + σ(r̃_t) ⊙ (a_h ⊙ LN(h_{t-1} U) + b_n))  (columns of n)
/// h_t = (1 - σ(z̃_t)) ⊙ h_{t-1} + σ(z̃_t) ⊙ n_t
/// LN(a) = (a - mean(a)) / sqrt(variance(a) + 1e-5)
/// ```
///
/// Ba, Kiros and Hinton 2016, "Layer normalization", appendix. The two gates are normalized as one
/// vector `[2H]`, the candidate n as another. As in the paper, z is the weight of the candidate; in
/// [`Gru`](crate::cells::Gru) it is the weight of the old state.
///
/// ```
/// use unspool::cells::LayerNormGru;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(LayerNormGru::<Tensor>::new(&mut rng(0), 3, 5));
/// let names = [
///     "cell.w", "cell.u", "cell.x_gain", "cell.h_gain", "cell.bias", "cell.recurrent_bias",
/// ];
/// assert_eq!(layer.names(), names);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct LayerNormGru<P> {
    /// `W`: `[F, 3H]`, in the order r, z, n.
    pub w: P,
    /// `U`: `[H, 3H]`, in the same order.
    pub u: P,
    /// `a_x`: `[3H]`.
    pub x_gain: P,
    /// `a_h`: `[3H]`.
    pub h_gain: P,
    /// `b`: `[3H]`.
    pub bias: P,
    /// `b_n`, the recurrent bias of n: `[H]`.
    pub recurrent_bias: P,
}

impl<T: Scalar> LayerNormGru<Tensor<T>> {
    /// A cell with Glorot-uniform input weights, orthogonal recurrent weights, gains 1 and zero
    /// bias.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let Dense { weight: w, bias } = Dense::gates(rng, inputs, hidden, [0.0; 3]);
        let u = blocks(rng, 3, |rng| orthogonal(rng, hidden, hidden));
        let (x_gain, h_gain) = (Tensor::ones([3 * hidden]), Tensor::ones([3 * hidden]));
        LayerNormGru { w, u, x_gain, h_gain, bias, recurrent_bias: Tensor::zeros([hidden]) }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for LayerNormGru<Var<'t, T>> {
    type State = Var<'t, T>;

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        self.u.new_zeros([batch, self.u.shape()[0]])
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x_gain * normalize_gates(xs.matmul(self.w)) + self.bias
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, h: Self::State) -> (Var<'t, T>, Self::State) {
        let [xr, xz, xn] = x.chunks();
        let [hr, hz, hn] = (self.h_gain * normalize_gates(h.matmul(self.u))).chunks();
        let r = (xr + hr).sigmoid();
        let z = (xz + hz).sigmoid();
        let n = (xn + r * (hn + self.recurrent_bias)).tanh();
        let h = h.lerp(n, z); // (1 - z) h + z n
        (h, h)
    }

    step_in_at_callers_line!();

    fn gates(&self) -> &'static [&'static str] {
        &["r", "z"]
    }
}

/// Normalizes the two gates, the first two thirds of the last axis, together, and the candidate
/// separately.
#[track_caller]
fn normalize_gates<T: Scalar>(x: Var<'_, T>) -> Var<'_, T> {
    let axis = x.shape().rank() - 1;
    let hidden = x.shape()[axis] / 3;
    let gates = x.slice(axis, ..2 * hidden).layer_norm(EPSILON);
    Var::concat(axis, &[gates, x.slice(axis, 2 * hidden..).layer_norm(EPSILON)])
}

/// A recurrent layer of [`LayerNormGru`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::layer_norm_gru;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(layer_norm_gru(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn layer_norm_gru(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> LayerNormGru<Tensor>> {
    recurrent(move |rng| LayerNormGru::new(rng, inputs, hidden))
}
