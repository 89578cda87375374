//! The long short-term memory.

use crate::layers::activation_fn::Activation;
use crate::layers::dense::Dense;
use crate::layers::init::{blocks, orthogonal};
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The long short-term memory; its output is h `[B, H]`, its state `(h, c)`.
///
/// ```text
/// i_t = σ(x_t W_i + b_i + h_{t-1} U_i)
/// f_t = σ(x_t W_f + b_f + h_{t-1} U_f)
/// g_t = tanh(x_t W_g + b_g + h_{t-1} U_g)
/// o_t = σ(x_t W_o + b_o + h_{t-1} U_o)
/// c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
/// h_t = o_t ⊙ tanh(c_t)
/// ```
///
/// Hochreiter and Schmidhuber 1997, "Long short-term memory"; the forget gate f is that of Gers,
/// Schmidhuber and Cummins 2000, "Learning to forget". Only f decides what c keeps, so its gradient
/// can survive many steps.
///
/// ```
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(Lstm::<Tensor>::new(&mut rng(0), 3, 5));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias", "cell.u"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// let (h, c) = output.state();
/// assert_eq!((&h.shape()[..], &c.shape()[..]), (&[4, 5][..], &[4, 5][..]));
/// assert_eq!(h.value().to_vec(), output.last().value().to_vec());
/// ```
#[derive(Params, Clone, Debug)]
pub struct Lstm<P> {
    /// The projection of the input: `W` `[F, 4H]` and `b` `[4H]`, in the order i, f, g, o.
    pub x: Dense<P>,
    /// `U`: `[H, 4H]`, in the same order.
    pub u: P,
    /// The activation of g and of the output; tanh by default.
    pub activation: Activation,
    /// The activation of the gates; the logistic function by default.
    pub recurrent_activation: Activation,
}

impl<T: Scalar> Lstm<Tensor<T>> {
    /// A cell with Glorot-uniform input weights, orthogonal recurrent weights, a forget gate bias
    /// of 1 and all other biases 0.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::gates(rng, inputs, hidden, [0.0, 1.0, 0.0, 0.0]);
        let u = blocks(rng, 4, |rng| orthogonal(rng, hidden, hidden));
        Lstm { x, u, activation: Activation::Tanh, recurrent_activation: Activation::Sigmoid }
    }
}

impl<P> Lstm<P> {
    /// The same cell with another activation instead of tanh: Keras's `activation`.
    pub fn activation(self, activation: Activation) -> Self {
        Lstm { activation, ..self }
    }

    /// The same cell with another activation of the gates instead of σ: Keras's
    /// `recurrent_activation`.
    pub fn recurrent_activation(self, recurrent_activation: Activation) -> Self {
        Lstm { recurrent_activation, ..self }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for Lstm<Var<'t, T>> {
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
        let [i, f, o] = [i, f, o].map(|gate| self.recurrent_activation.of(gate));
        let c = f * c + i * self.activation.of(g);
        let h = o * self.activation.of(c);
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

/// A recurrent layer of [`Lstm`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::{Tensor, dense, lstm, predict, sequential};
/// let model = sequential().add(lstm(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn lstm(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> Lstm<Tensor>> {
    recurrent(move |rng| Lstm::new(rng, inputs, hidden))
}
