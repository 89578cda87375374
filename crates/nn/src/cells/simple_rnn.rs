//! The simple recurrent network.

use crate::layers::activation_fn::Activation;
use crate::layers::dense::Dense;
use crate::layers::init::orthogonal;
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The cell `h_t = f(x_t W + b + h_{t-1} U)`; its output is its state `h`, `[B, H]`.
///
/// Elman 1990, "Finding structure in time". `f` is tanh by default. `x` holds `W` `[F, H]` and `b`
/// `[H]`; `u` is `[H, H]`.
///
/// ```
/// use unspool::layers::Activation;
/// use unspool::prelude::*;
///
/// let cell: SimpleRnn<Tensor> = SimpleRnn::new(&mut rng(0), 3, 5).activation(Activation::Relu);
/// let layer = Recurrent::new(cell);
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias", "cell.u"]);
/// let tape = Tape::new();
/// let h = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3]))).last();
/// assert_eq!(h.shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct SimpleRnn<P> {
    /// The projection of the input: `W` and `b`.
    pub x: Dense<P>,
    /// `U`: `[H, H]`.
    pub u: P,
    /// `f`.
    pub activation: Activation,
}

impl<T: Scalar> SimpleRnn<Tensor<T>> {
    /// A tanh cell with Glorot-uniform input weights, an orthogonal recurrent weight and zero
    /// biases.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::new(rng, inputs, hidden);
        SimpleRnn { x, u: orthogonal(rng, hidden, hidden), activation: Activation::Tanh }
    }
}

impl<P> SimpleRnn<P> {
    /// The same cell with another activation function.
    pub fn activation(self, activation: Activation) -> Self {
        SimpleRnn { activation, ..self }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for SimpleRnn<Var<'t, T>> {
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
        let h = self.activation.of(x + h.matmul(self.u));
        (h, h)
    }

    step_in_at_callers_line!();
}

/// A recurrent layer of [`SimpleRnn`] (tanh), for
/// [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::{Tensor, dense, predict, sequential, simple_rnn};
/// let model = sequential().add(simple_rnn(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn simple_rnn(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> SimpleRnn<Tensor>> {
    recurrent(move |rng| SimpleRnn::new(rng, inputs, hidden))
}
