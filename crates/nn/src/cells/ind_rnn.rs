//! The independently recurrent network.

use crate::layers::activation_fn::Activation;
use crate::layers::dense::Dense;
use crate::layers::init::uniform;
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The cell `h_t = φ(x_t W + b + u ⊙ h_{t-1})`; its output is its state h `[B, H]`.
///
/// Li, Li, Cook, Zhu and Gao 2018, "Independently recurrent neural network (IndRNN): building a
/// longer and deeper RNN". Each unit sees only its own past; units mix in the layers above. `φ` is
/// relu by default.
///
/// ```
/// use unspool::cells::IndRnn;
/// use unspool::layers::Activation;
/// use unspool::prelude::*;
///
/// let cell: IndRnn<Tensor> = IndRnn::new(&mut rng(0), 3, 5).activation(Activation::Tanh);
/// let layer = Recurrent::new(cell);
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias", "cell.u"]);
/// let tape = Tape::new();
/// let h = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3]))).last();
/// assert_eq!(h.shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct IndRnn<P> {
    /// The projection of the input: `W` `[F, H]` and `b` `[H]`.
    pub x: Dense<P>,
    /// `u`: `[H]`.
    pub u: P,
    /// `φ`.
    pub activation: Activation,
}

impl<T: Scalar> IndRnn<Tensor<T>> {
    /// A relu cell with Glorot-uniform input weights, recurrent weights uniform between 0 and 1,
    /// and zero bias.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::new(rng, inputs, hidden);
        IndRnn { x, u: uniform(rng, [hidden], 0.0, 1.0), activation: Activation::Relu }
    }
}

impl<P> IndRnn<P> {
    /// The same cell with another activation function.
    pub fn activation(self, activation: Activation) -> Self {
        IndRnn { activation, ..self }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for IndRnn<Var<'t, T>> {
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
        let h = self.activation.of(x + self.u * h);
        (h, h)
    }

    step_in_at_callers_line!();
}

/// A recurrent layer of [`IndRnn`] (relu), for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::ind_rnn;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(ind_rnn(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn ind_rnn(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> IndRnn<Tensor>> {
    recurrent(move |rng| IndRnn::new(rng, inputs, hidden))
}
