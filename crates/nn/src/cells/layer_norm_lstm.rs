//! The layer-normalized LSTM.

use super::EPSILON;
use crate::layers::dense::Dense;
use crate::layers::init::{blocks, orthogonal};
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The layer-normalized LSTM; its output is h `[B, H]`, its state `(h, c)`.
///
/// ```text
/// [ĩ_t, f̃_t, g̃_t, õ_t] = a_x ⊙ LN(x_t W) + a_h ⊙ LN(h_{t-1} U) + b
/// c_t = σ(f̃_t) ⊙ c_{t-1} + σ(ĩ_t) ⊙ tanh(g̃_t)
/// h_t = σ(õ_t) ⊙ tanh(a_c ⊙ LN(c_t) + b_c)
/// LN(a) = (a - mean(a)) / sqrt(variance(a) + 1e-5)
/// ```
///
/// Ba, Kiros and Hinton 2016, "Layer normalization", appendix. All four gates are normalized as one
/// vector. The paper has three biases instead of b; only their sum matters.
///
/// ```
/// use unspool::cells::LayerNormLstm;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(LayerNormLstm::<Tensor>::new(&mut rng(0), 3, 5));
/// let names = [
///     "cell.w", "cell.u", "cell.x_gain", "cell.h_gain", "cell.bias",
///     "cell.c_gain", "cell.c_bias",
/// ];
/// assert_eq!(layer.names(), names);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct LayerNormLstm<P> {
    /// `W`: `[F, 4H]`, in the order i, f, g, o.
    pub w: P,
    /// `U`: `[H, 4H]`, in the same order.
    pub u: P,
    /// `a_x`: `[4H]`.
    pub x_gain: P,
    /// `a_h`: `[4H]`.
    pub h_gain: P,
    /// `b`: `[4H]`.
    pub bias: P,
    /// `a_c`: `[H]`.
    pub c_gain: P,
    /// `b_c`: `[H]`.
    pub c_bias: P,
}

impl<T: Scalar> LayerNormLstm<Tensor<T>> {
    /// A cell initialized like [`Lstm`](crate::cells::Lstm), with gains of 1.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let Dense { weight: w, bias } = Dense::gates(rng, inputs, hidden, [0.0, 1.0, 0.0, 0.0]);
        let u = blocks(rng, 4, |rng| orthogonal(rng, hidden, hidden));
        let (x_gain, h_gain) = (Tensor::ones([4 * hidden]), Tensor::ones([4 * hidden]));
        LayerNormLstm { w, u, x_gain, h_gain, bias, c_gain: Tensor::ones([hidden]), c_bias: Tensor::zeros([hidden]) }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for LayerNormLstm<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>);

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        let zeros = self.u.new_zeros([batch, self.u.shape()[0]]);
        (zeros, zeros)
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        xs.matmul(self.w).layer_norm_affine(self.x_gain, self.bias, EPSILON)
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, (h, c): Self::State) -> (Var<'t, T>, Self::State) {
        let [i, f, g, o] = (x + self.h_gain * h.matmul(self.u).layer_norm(EPSILON)).chunks();
        let c = f.sigmoid() * c + i.sigmoid() * g.tanh();
        let h = o.sigmoid() * c.layer_norm_affine(self.c_gain, self.c_bias, EPSILON).tanh();
        (h, (h, c))
    }

    step_in_at_callers_line!();

    fn state_names(&self) -> &'static [&'static str] {
        &["h", "c"]
    }

    fn gates(&self) -> &'static [&'static str] {
        &["f", "i", "o"]
    }
}

/// A recurrent layer of [`LayerNormLstm`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::layer_norm_lstm;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(layer_norm_lstm(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn layer_norm_lstm(
    inputs: usize,
    hidden: usize,
) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> LayerNormLstm<Tensor>> {
    recurrent(move |rng| LayerNormLstm::new(rng, inputs, hidden))
}
