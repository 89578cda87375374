//! The minimal LSTM.

use crate::layers::dense::Dense;
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, Unrolled, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The minimal LSTM; its output is its state h `[B, H]`.
///
/// ```text
/// i_t = σ(x_t W_i + b_i)
/// f_t = σ(x_t W_f + b_f)
/// g_t = x_t W_g + b_g
/// h_t = (f_t ⊙ h_{t-1} + i_t ⊙ g_t) / (f_t + i_t)
/// ```
///
/// Feng et al. 2024, "Were RNNs all we needed?". An [`Lstm`](crate::cells::Lstm) whose gates depend
/// on the input alone and are scaled to sum to 1, so the scale of h does not depend on time; it
/// needs no output gate and no c. Many steps are computed at once, as a
/// [linear recurrence](Var::lerp_recurrence).
///
/// ```
/// use unspool::cells::MinLstm;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(MinLstm::<Tensor>::new(&mut rng(0), 3, 5));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct MinLstm<P> {
    /// The projection of the input: `W` `[F, 3H]` and `b` `[3H]`, in the order i, f, g.
    pub x: Dense<P>,
}

impl<T: Scalar> MinLstm<Tensor<T>> {
    /// A cell with Glorot-uniform weights, a forget gate bias of 1 and all other biases 0.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        MinLstm { x: Dense::gates(rng, inputs, hidden, [0.0, 1.0, 0.0]) }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for MinLstm<Var<'t, T>> {
    type State = Var<'t, T>;

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        self.x.bias.new_zeros([batch, self.x.bias.shape()[0] / 3])
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, h: Self::State) -> (Var<'t, T>, Self::State) {
        let [share, g] = share_and_candidate(x);
        let h = h.lerp(g, share);
        (h, h)
    }

    #[track_caller]
    fn unroll(&self, xs: Var<'t, T>, h: Self::State) -> Option<Unrolled<'t, T, Self::State>> {
        let [share, g] = share_and_candidate(xs);
        Some(Unrolled::of(Var::lerp_recurrence(g, share, h)))
    }

    step_in_at_callers_line!();

    fn gates(&self) -> &'static [&'static str] {
        &["i'"]
    }
}

/// `i / (f + i)`, of logarithms, since both gates may be 0 as far as the type can hold; and g.
fn share_and_candidate<T: Scalar>(x: Var<'_, T>) -> [Var<'_, T>; 2] {
    let [i, f, g] = x.chunks();
    [(i.logsigmoid() - f.logsigmoid()).sigmoid(), g]
}

/// A recurrent layer of [`MinLstm`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::min_lstm;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(min_lstm(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn min_lstm(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> MinLstm<Tensor>> {
    recurrent(move |rng| MinLstm::new(rng, inputs, hidden))
}
