//! The minimal GRU.

use crate::layers::dense::Dense;
use crate::layers::layer::Layer;
use crate::random::Rng;
use crate::recurrent::cell::{Cell, Unrolled, step_in_at_callers_line};
use crate::recurrent::layer::{RecurrentBuilder, recurrent};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// The minimal GRU; its output is its state h `[B, H]`.
///
/// ```text
/// z_t = σ(x_t W_z + b_z)
/// n_t = x_t W_n + b_n
/// h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ n_t
/// ```
///
/// Feng et al. 2024, "Were RNNs all we needed?". A [`Gru`](crate::cells::Gru) without its
/// hidden-state products and without tanh: gate and candidate depend on the input alone, and many
/// steps are computed at once, as a [linear recurrence](Var::lerp_recurrence). (The paper's
/// parallel form works with logarithms, since it divides by products of gates; this one divides by
/// nothing.) Here z is the weight of the candidate.
///
/// ```
/// use unspool::cells::MinGru;
/// use unspool::prelude::*;
///
/// let layer = Recurrent::new(MinGru::<Tensor>::new(&mut rng(0), 3, 5));
/// assert_eq!(layer.names(), ["cell.x.weight", "cell.x.bias"]);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct MinGru<P> {
    /// The projection of the input: `W` `[F, 2H]` and `b` `[2H]`, in the order z, n.
    pub x: Dense<P>,
}

impl<T: Scalar> MinGru<Tensor<T>> {
    /// A cell with Glorot-uniform weights and zero biases.
    pub fn new(rng: &mut Rng, inputs: usize, hidden: usize) -> Self {
        MinGru { x: Dense::gates(rng, inputs, hidden, [0.0; 2]) }
    }
}

impl<'t, T: Scalar> Cell<'t, T> for MinGru<Var<'t, T>> {
    type State = Var<'t, T>;

    #[track_caller]
    fn zero_state(&self, batch: usize) -> Self::State {
        self.x.bias.new_zeros([batch, self.x.bias.shape()[0] / 2])
    }

    #[track_caller]
    fn project(&self, xs: Var<'t, T>) -> Var<'t, T> {
        self.x.forward(xs)
    }

    #[track_caller]
    fn step(&self, x: Var<'t, T>, h: Self::State) -> (Var<'t, T>, Self::State) {
        let [z, n] = x.chunks();
        let z = z.sigmoid();
        let h = h.lerp(n, z); // (1 - z) h + z n
        (h, h)
    }

    #[track_caller]
    fn unroll(&self, xs: Var<'t, T>, h: Self::State) -> Option<Unrolled<'t, T, Self::State>> {
        let [z, n] = xs.chunks();
        Some(Unrolled::of(Var::lerp_recurrence(n, z.sigmoid(), h)))
    }

    step_in_at_callers_line!();

    fn gates(&self) -> &'static [&'static str] {
        &["z"]
    }
}

/// A recurrent layer of [`MinGru`], for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::cells::min_gru;
/// use unspool::{Tensor, dense, predict, sequential};
/// let model = sequential().add(min_gru(3, 8)).add(dense(8, 1));
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
pub fn min_gru(inputs: usize, hidden: usize) -> RecurrentBuilder<impl FnOnce(&mut Rng) -> MinGru<Tensor>> {
    recurrent(move |rng| MinGru::new(rng, inputs, hidden))
}
