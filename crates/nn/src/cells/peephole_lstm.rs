//! The LSTM whose gates see the cell state.

use crate::layers::dense::Dense;
use crate::layers::init::{blocks, orthogonal};
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The LSTM with peephole connections; its output is h `[B, H]`, its state `(h, c)`.
///
/// ```text
/// i_t = σ(x_t W_i + b_i + h_{t-1} U_i + p_i ⊙ c_{t-1})
/// f_t = σ(x_t W_f + b_f + h_{t-1} U_f + p_f ⊙ c_{t-1})
/// g_t = tanh(x_t W_g + b_g + h_{t-1} U_g)
/// c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
/// o_t = σ(x_t W_o + b_o + h_{t-1} U_o + p_o ⊙ c_t)
/// h_t = o_t ⊙ tanh(c_t)
/// ```
///
/// Gers and Schmidhuber 2000, "Recurrent nets that time and count". The gates see the cell state
/// even while the output gate hides it; the output gate sees the new one.
///
/// ```
/// use unspool::cells::PeepholeLstm;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(PeepholeLstm::<Tensor>::new(&mut rng(0), 3, 5));
/// let names = ["cell.x.weight", "cell.x.bias", "cell.u", "cell.p_i", "cell.p_f", "cell.p_o"];
/// assert_eq!(layer.names(), names);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct PeepholeLstm<P> {
    /// The projection of the input: `W` `[F, 4H]` and `b` `[4H]`, in the order i, f, g, o.
    pub x: Dense<P>,
    /// `U`: `[H, 4H]`, in the same order.
    pub u: P,
    /// The peephole weights of the input gate: `[H]`.
    pub p_i: P,
    /// Those of the forget gate: `[H]`.
    pub p_f: P,
    /// Those of the output gate: `[H]`.
    pub p_o: P,
}

impl<T: Scalar> PeepholeLstm<Tensor<T>> {
    /// A cell initialized like [`Lstm`](crate::cells::Lstm), with peephole weights of zero.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::gates(rng, inputs, hidden, [0.0, 1.0, 0.0, 0.0]);
        let u = blocks(rng, 4, |rng| orthogonal(rng, hidden, hidden));
        let zeros = || Tensor::zeros([hidden]);
        PeepholeLstm { x, u, p_i: zeros(), p_f: zeros(), p_o: zeros() }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for PeepholeLstm<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>);

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        let zeros = self.u.new_zeros([batch, self.u.shape()[0]]);
        (zeros, zeros)
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, (h, c): Self::State) -> (Var<'t, T>, Self::State) {
        let [i, f, g, o] = (x + h.matmul(self.u)).chunks();
        let i = (i + self.p_i * c).sigmoid();
        let f = (f + self.p_f * c).sigmoid();
        let c = f * c + i * g.tanh();
        let o = (o + self.p_o * c).sigmoid();
        let h = o * c.tanh();
        (h, (h, c))
    }

    step_in_at_callers_line!();

    fn state_names(&self) -> &'static [&'static str] {
        &["h", "c"]
    }

    fn gates(&self) -> &'static [&'static str] {
        &["i", "f", "o"]
    }
}

/// A recurrent layer of [`PeepholeLstm`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::peephole_lstm;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(peephole_lstm(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn peephole_lstm(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> PeepholeLstm<Tensor>> {
    recurrent(move |rng| PeepholeLstm::new(rng, inputs, hidden))
}
