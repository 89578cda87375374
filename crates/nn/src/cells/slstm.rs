//! The scalar LSTM of xLSTM.

use crate::layers::dense::Dense;
use crate::layers::init::{blocks, orthogonal};
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The sLSTM of xLSTM, with one head; its output is h `[B, H]`, its state `(h, c, n, m)`.
///
/// ```text
/// [ĩ_t, f̃_t, z̃_t, õ_t] = x_t W + b + h_{t-1} U
/// m_t = max(log σ(f̃_t) + m_{t-1}, ĩ_t)
/// i_t = exp(ĩ_t - m_t)
/// f_t = exp(log σ(f̃_t) + m_{t-1} - m_t)
/// c_t = f_t ⊙ c_{t-1} + i_t ⊙ tanh(z̃_t)
/// n_t = f_t ⊙ n_{t-1} + i_t
/// h_t = σ(õ_t) ⊙ c_t / n_t
/// ```
///
/// Beck et al. 2024, "xLSTM: extended long short-term memory", equations 8 to 17. The input gate is
/// an exponential, so a step can outweigh all steps before it; n is the sum of the weights in c,
/// and m keeps the exponentials from overflowing without changing h. Of the paper's two forget
/// gates, this is the sigmoid.
///
/// ```
/// use unspool::cells::Slstm;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(Slstm::<Tensor>::new(&mut rng(0), 3, 5));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias", "cell.u"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct Slstm<P> {
    /// The projection of the input: `W` `[F, 4H]` and `b` `[4H]`, in the order i, f, z, o.
    pub x: Dense<P>,
    /// `U`: `[H, 4H]`, in the same order.
    pub u: P,
}

impl<T: Scalar> Slstm<Tensor<T>> {
    /// A cell with Glorot-uniform input weights, orthogonal recurrent weights, a forget gate bias
    /// of 1 and all other biases 0.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::gates(rng, inputs, hidden, [0.0, 1.0, 0.0, 0.0]);
        Slstm { x, u: blocks(rng, 4, |rng| orthogonal(rng, hidden, hidden)) }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for Slstm<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>, Var<'t, T>, Var<'t, T>);

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        let zeros = self.u.new_zeros([batch, self.u.shape()[0]]);
        (zeros, zeros, zeros, zeros - 1e30) // m, the logarithm of a weight of 0; minus infinity times 0 would be NaN
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, (h, c, n, m): Self::State) -> (Var<'t, T>, Self::State) {
        let [i, f, z, o] = (x + h.matmul(self.u)).chunks();
        let kept = m - (-f).softplus(); // log σ(f) = -softplus(-f)
        let m = kept.maximum(i);
        let (i, f) = ((i - m).exp(), (kept - m).exp());
        let c = f * c + i * z.tanh();
        let n = f * n + i;
        let h = o.sigmoid() * c / n;
        (h, (h, c, n, m))
    }

    step_in_at_callers_line!();

    fn state_names(&self) -> &'static [&'static str] {
        &["h", "c", "n", "m"]
    }

    fn gates(&self) -> &'static [&'static str] {
        &["o"]
    }
}

/// A recurrent layer of [`Slstm`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::slstm;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(slstm(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn slstm(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> Slstm<Tensor>> {
    recurrent(move |rng| Slstm::new(rng, inputs, hidden))
}
