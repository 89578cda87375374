//! The minimal gated unit.

use crate::layers::dense::Dense;
use crate::layers::init::orthogonal;
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The minimal gated unit; its output is its state h `[B, H]`.
///
/// ```text
/// f_t = σ(x_t W_f + b_f + h_{t-1} U_f)
/// n_t = tanh(x_t W_n + b_n + (f_t ⊙ h_{t-1}) U_n)
/// h_t = (1 - f_t) ⊙ h_{t-1} + f_t ⊙ n_t
/// ```
///
/// Zhou, Wu, Zhang and Zhou 2016, "Minimal gated unit for recurrent neural networks". One gate both
/// resets and updates. f is the weight of the candidate, so its bias starts at 0 and not at 1.
///
/// ```
/// use unspool::cells::Mgu;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(Mgu::<Tensor>::new(&mut rng(0), 3, 5));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias", "cell.u_f", "cell.u_n"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct Mgu<P> {
    /// The projection of the input: `W` `[F, 2H]` and `b` `[2H]`, in the order f, n.
    pub x: Dense<P>,
    /// `U_f`: `[H, H]`.
    pub u_f: P,
    /// `U_n`: `[H, H]`.
    pub u_n: P,
}

impl<T: Scalar> Mgu<Tensor<T>> {
    /// A cell with Glorot-uniform input weights, orthogonal recurrent weights and zero biases.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        let x = Dense::gates(rng, inputs, hidden, [0.0; 2]);
        Mgu { x, u_f: orthogonal(rng, hidden, hidden), u_n: orthogonal(rng, hidden, hidden) }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for Mgu<Var<'t, T>> {
    type State = Var<'t, T>;

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        self.u_f.new_zeros([batch, self.u_f.shape()[0]])
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, h: Self::State) -> (Var<'t, T>, Self::State) {
        let [xf, xn] = x.chunks();
        let f = (xf + h.matmul(self.u_f)).sigmoid();
        let n = (xn + (f * h).matmul(self.u_n)).tanh();
        let h = h.lerp(n, f); // (1 - f) h + f n
        (h, h)
    }

    step_in_at_callers_line!();

    fn gates(&self) -> &'static [&'static str] {
        &["f"]
    }
}

/// A recurrent layer of [`Mgu`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::mgu;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(mgu(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn mgu(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> Mgu<Tensor>> {
    recurrent(move |rng| Mgu::new(rng, inputs, hidden))
}
