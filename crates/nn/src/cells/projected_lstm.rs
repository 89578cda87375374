//! The LSTM whose output is smaller than its cell state.

use crate::layers::dense::Dense;
use crate::layers::init::{blocks, orthogonal};
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The LSTM with a recurrent projection; its output is h `[B, P]`, its state `(h, c)` with c
/// `[B, H]`.
///
/// ```text
/// i_t = σ(x_t W_i + b_i + h_{t-1} U_i)
/// f_t = σ(x_t W_f + b_f + h_{t-1} U_f)
/// g_t = tanh(x_t W_g + b_g + h_{t-1} U_g)
/// o_t = σ(x_t W_o + b_o + h_{t-1} U_o)
/// c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
/// h_t = (o_t ⊙ tanh(c_t)) W_r
/// ```
///
/// Sak, Senior and Beaufays 2014, "Long short-term memory recurrent neural network architectures
/// for large scale acoustic modeling"; PyTorch's `proj_size`. The number of recurrent weights is
/// proportional to `H P` instead of `H²`.
///
/// ```
/// use unspool::cells::ProjectedLstm;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(ProjectedLstm::<Tensor>::new(&mut rng(0), 3, 5, 2));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias", "cell.u", "cell.w_r"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// let (h, c) = output.state();
/// assert_eq!((&h.shape()[..], &c.shape()[..]), (&[4, 2][..], &[4, 5][..]));
/// ```
#[derive(Params, Clone, Debug)]
pub struct ProjectedLstm<P> {
    /// The projection of the input: `W` `[F, 4H]` and `b` `[4H]`, in the order i, f, g, o.
    pub x: Dense<P>,
    /// `U`: `[P, 4H]`, in the same order.
    pub u: P,
    /// `W_r`: `[H, P]`.
    pub w_r: P,
}

impl<T: Scalar> ProjectedLstm<Tensor<T>> {
    /// A cell initialized like [`Lstm`](crate::cells::Lstm).
    ///
    /// # Panics
    /// If `projected` is greater than `hidden`.
    #[track_caller]
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize, projected: usize) -> Self {
        ensure!(
            projected <= hidden,
            "ProjectedLstm: the projected size {projected} is greater than the hidden size {hidden}"
        );
        let x = Dense::gates(rng, inputs, hidden, [0.0, 1.0, 0.0, 0.0]);
        let u = blocks(rng, 4, |rng| orthogonal(rng, projected, hidden));
        let w_r = orthogonal(rng, hidden, projected);
        ProjectedLstm { x, u, w_r }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for ProjectedLstm<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>);

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        let [hidden, projected] = [0, 1].map(|axis| self.w_r.shape()[axis]);
        (self.u.new_zeros([batch, projected]), self.u.new_zeros([batch, hidden]))
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, (h, c): Self::State) -> (Var<'t, T>, Self::State) {
        let [i, f, g, o] = (x + h.matmul(self.u)).chunks();
        let c = f.sigmoid() * c + i.sigmoid() * g.tanh();
        let h = (o.sigmoid() * c.tanh()).matmul(self.w_r);
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

/// A recurrent layer of [`ProjectedLstm`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::projected_lstm;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(projected_lstm(3, 16, 4)).add(dense(4, 1)); // c has 16 units, h has 4
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn projected_lstm(
    inputs: usize,
    hidden: usize,
    projected: usize,
) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> ProjectedLstm<Tensor>> {
    recurrent(move |rng| ProjectedLstm::new(rng, inputs, hidden, projected))
}
