//! The LSTM whose input and forget gates are coupled.

use crate::layers::dense::Dense;
use crate::layers::init::{blocks, orthogonal};
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The LSTM with a coupled input and forget gate; its output is h `[B, H]`, its state `(h, c)`.
///
/// ```text
/// f_t = σ(x_t W_f + b_f + h_{t-1} U_f)
/// g_t = tanh(x_t W_g + b_g + h_{t-1} U_g)
/// o_t = σ(x_t W_o + b_o + h_{t-1} U_o)
/// c_t = f_t ⊙ c_{t-1} + (1 - f_t) ⊙ g_t
/// h_t = o_t ⊙ tanh(c_t)
/// ```
///
/// Greff, Srivastava, Koutník, Steunebrink and Schmidhuber 2017, "LSTM: a search space odyssey",
/// the variant CIFG: an [`Lstm`](crate::cells::Lstm) with `i = 1 - f`, so c stays between -1 and 1,
/// and with three quarters of the weights.
///
/// ```
/// use unspool::cells::CifgLstm;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(CifgLstm::<Tensor>::new(&mut rng(0), 3, 5));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias", "cell.u"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct CifgLstm<P> {
    /// The projection of the input: `W` `[F, 3H]` and `b` `[3H]`, in the order f, g, o.
    pub x: Dense<P>,
    /// `U`: `[H, 3H]`, in the same order.
    pub u: P,
}

impl<T: Scalar> CifgLstm<Tensor<T>> {
    /// A cell with Glorot-uniform input weights, orthogonal recurrent weights, a forget gate bias
    /// of 1 and all other biases 0.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::gates(rng, inputs, hidden, [1.0, 0.0, 0.0]);
        CifgLstm { x, u: blocks(rng, 3, |rng| orthogonal(rng, hidden, hidden)) }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for CifgLstm<Var<'t, T>> {
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
        let [f, g, o] = (x + h.matmul(self.u)).chunks();
        let (f, g) = (f.sigmoid(), g.tanh());
        let c = f * c + (1.0 - f) * g;
        let h = o.sigmoid() * c.tanh();
        (h, (h, c))
    }

    step_in_at_callers_line!();

    fn state_names(&self) -> &'static [&'static str] {
        &["h", "c"]
    }

    fn gates(&self) -> &'static [&'static str] {
        &["f", "o"]
    }
}

/// A recurrent layer of [`CifgLstm`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::cifg_lstm;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(cifg_lstm(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn cifg_lstm(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> CifgLstm<Tensor>> {
    recurrent(move |rng| CifgLstm::new(rng, inputs, hidden))
}
