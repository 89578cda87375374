//! The quasi-recurrent neural network.

use crate::layers::dense::Dense;
use crate::layers::init::{blocks, glorot_uniform};
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, Unrolled, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The quasi-recurrent neural network with windows of two steps and fo-pooling; its output is h
/// `[B, H]`, its state `(p, c)`: c is `[B, H]`, and p `[B, 3H]` is what the input before contributes
/// to the gates.
///
/// ```text
/// z_t = tanh(x_t W_z + x_{t-1} V_z + b_z)
/// f_t = σ(x_t W_f + x_{t-1} V_f + b_f)
/// o_t = σ(x_t W_o + x_{t-1} V_o + b_o)
/// c_t = f_t ⊙ c_{t-1} + (1 - f_t) ⊙ z_t
/// h_t = o_t ⊙ c_t
/// ```
///
/// Bradbury et al. 2017, "Quasi-recurrent neural networks", equations 2 and 4. The gates are a
/// causal convolution over time: they depend on the inputs alone, and many steps are computed at
/// once, as a [linear recurrence](Var::lerp_recurrence). Before the first step x is 0.
///
/// ```
/// use unspool::cells::Qrnn;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(Qrnn::<Tensor>::new(&mut rng(0), 3, 5));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias", "cell.v"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct Qrnn<P> {
    /// The projection of the input: `W` `[F, 3H]` and `b` `[3H]`, in the order z, f, o.
    pub x: Dense<P>,
    /// `V`, of the input before: `[F, 3H]`, in the same order.
    pub v: P,
}

impl<T: Scalar> Qrnn<Tensor<T>> {
    /// A cell with Glorot-uniform weights, a forget gate bias of 1 and all other biases 0.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::gates(rng, inputs, hidden, [0.0, 1.0, 0.0]);
        Qrnn { x, v: blocks(rng, 3, |rng| glorot_uniform(rng, inputs, hidden)) }
    }
}

/// z, f and o.
fn gates<'t, T: Scalar>(sums: Var<'t, T>) -> [Var<'t, T>; 3] {
    let [z, f, o] = sums.chunks();
    [z.tanh(), f.sigmoid(), o.sigmoid()]
}

impl<'t, T: Scalar> Cell<'t, T> for Qrnn<Var<'t, T>> {
    type State = (Var<'t, T>, Var<'t, T>);

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        let width = self.x.bias.shape()[0];
        (self.v.new_zeros([batch, width]), self.v.new_zeros([batch, width / 3]))
    }

    /// What an input contributes to its own step and to the one after it.
    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        let axis = xs.shape().rank() - 1;
        Var::concat(axis, &[self.x.forward(xs), xs.matmul(self.v)])
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, (before, c): Self::State) -> (Var<'t, T>, Self::State) {
        let [now, after] = x.chunks();
        let [z, f, o] = gates(now + before);
        let c = z.lerp(c, f); // f c + (1 - f) z
        (o * c, (after, c))
    }

    #[track_caller]
    fn unroll(&self, xs: Var<'t, T>, (before, c): Self::State) -> Option<Unrolled<'t, T, Self::State>> {
        let [now, after] = xs.chunks();
        let last = xs.shape()[0] - 1;
        let before = Var::concat(0, &[before.unsqueeze(0), after.slice(0, ..last)]);
        let [z, f, o] = gates(now + before);
        let c = Var::lerp_recurrence(z, 1.0 - f, c);
        let state = (after.select(0, last), c.select(0, last));
        Some(Unrolled { outputs: o * c, states: Some((after, c)), state })
    }

    step_in_at_callers_line!();

    fn state_names(&self) -> &'static [&'static str] {
        &["p", "c"]
    }

    fn gates(&self) -> &'static [&'static str] {
        &["f", "o"]
    }
}

/// A recurrent layer of [`Qrnn`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::qrnn;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(qrnn(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn qrnn(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> Qrnn<Tensor>> {
    recurrent(move |rng| Qrnn::new(rng, inputs, hidden))
}
