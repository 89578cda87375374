//! A cell, unrolled over time.

use crate::layers::layer::Layer;
use crate::layers::sequential::Build;
use crate::mode::Mode;
use crate::random::Rng;
use crate::recurrent::cell::Cell;
use crate::recurrent::sequence_layer::SequenceLayer;
use crate::recurrent::{output::RecurrentOutput, run::Unroll};
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// A recurrent layer over any [`Cell`]: `[T, B, F]` to the outputs of all steps.
///
/// ```
/// use unspool_nn::rng;
/// use unspool_nn::cells::SimpleRnn;
/// use unspool_nn::layers::Layer;
/// use unspool_nn::recurrent::Recurrent;
/// use unspool_autograd::{Tape, Tensor};
///
/// let layer: Recurrent<SimpleRnn<Tensor>> = Recurrent::new(SimpleRnn::new(&mut rng(0), 3, 20));
/// let tape = Tape::new();
/// let (net, xs) = (tape.bind(&layer), tape.constant(&Tensor::ones([50, 32, 3])));
/// let run = net.forward(xs);
/// assert_eq!(run.sequence().shape()[..], [50, 32, 20]);
/// assert_eq!(run.last().shape()[..], [32, 20]);
///
/// // Sequences of different lengths, padded to 50 steps.
/// let lengths: Vec<usize> = (1..=32).collect();
/// let run = net.unroll(xs).lengths(&lengths).run();
/// assert_eq!(run.last().shape()[..], [32, 20]); // of each sequence, after its own last step
/// ```
#[derive(Params, Clone, Debug)]
pub struct Recurrent<C> {
    /// The cell that makes the steps.
    pub cell: C,
    /// Whether the layer's output, in a [`Sequential`](crate::layers::Sequential), is the whole sequence `[T, B, H]`;
    /// otherwise it is the last step, `[B, H]`.
    pub return_sequences: bool,
    /// Whether the steps run from the end of the sequence to its beginning.
    pub reverse: bool,
}

impl<C> Recurrent<C> {
    /// A layer that runs forwards in time and whose output is that of the last step.
    pub fn new(cell: C) -> Self {
        Recurrent { cell, return_sequences: false, reverse: false }
    }

    /// The same layer with the outputs of all steps as its output.
    pub fn return_sequences(self) -> Self {
        Recurrent { return_sequences: true, ..self }
    }

    /// The same layer backwards in time: each sequence from its last step to its first.
    pub fn reverse(self) -> Self {
        Recurrent { reverse: true, ..self }
    }

    /// The layer over the sequence `xs`, with options: an initial state, lengths, training mode. Nothing happens before
    /// [`run`](Unroll::run).
    pub fn unroll<'a, 't, T: Scalar>(&'a self, xs: Var<'t, T>) -> Unroll<'a, 't, T, C>
    where
        C: Cell<'t, T>,
    {
        Unroll::new(self, xs)
    }

    /// Like [`forward`](Layer::forward), from a given state instead of zero.
    ///
    /// # Panics
    /// If `xs` is not a sequence `[T, B, F]` of at least one step, or the state is not one of B sequences.
    #[track_caller]
    pub fn forward_from<'t, T: Scalar>(&self, xs: Var<'t, T>, state: C::State) -> RecurrentOutput<'t, T, C::State>
    where
        C: Cell<'t, T>,
    {
        self.unroll(xs).state(state).run()
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> Layer<'t, T> for Recurrent<C> {
    type Output = RecurrentOutput<'t, T, C::State>;

    /// # Panics
    /// If `xs` is not a sequence `[T, B, F]` of at least one step.
    #[track_caller]
    fn forward(&self, xs: Var<'t, T>) -> Self::Output {
        self.unroll(xs).run()
    }

    #[track_caller]
    fn forward_in(&self, xs: Var<'t, T>, mode: Mode) -> Self::Output {
        self.unroll(xs).mode(mode).run()
    }

    #[track_caller]
    fn forward_lengths(&self, xs: Var<'t, T>, lengths: Option<&[usize]>, mode: Mode) -> Self::Output {
        self.run(xs, None, lengths, mode)
    }
}

/// A recurrent layer to be, for [`Sequential::add`](crate::layers::Sequential::add).
pub struct RecurrentBuilder<F> {
    cell: F,
    return_sequences: bool,
    reverse: bool,
}

/// A [`Recurrent`] layer over any cell, for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool_nn::cells::SimpleRnn;
/// use unspool_nn::layers::{Activation, sequential};
/// use unspool_nn::recurrent::recurrent;
/// let model = sequential()
///     .add(recurrent(|rng| SimpleRnn::new(rng, 1, 20).activation(Activation::Relu)).return_sequences());
/// ```
pub fn recurrent<C, F: FnOnce(&mut Rng) -> C>(cell: F) -> RecurrentBuilder<F> {
    RecurrentBuilder { cell, return_sequences: false, reverse: false }
}

impl<F> RecurrentBuilder<F> {
    /// Makes the outputs of all steps the layer's output, for a further recurrent layer on top.
    pub fn return_sequences(self) -> Self {
        RecurrentBuilder { return_sequences: true, ..self }
    }

    /// Makes the layer run backwards in time.
    pub fn reverse(self) -> Self {
        RecurrentBuilder { reverse: true, ..self }
    }
}

impl<C: Params<Tensor>, F: FnOnce(&mut Rng) -> C> Build for RecurrentBuilder<F> {
    type Layer = Recurrent<C>;

    fn build(self, rng: &mut Rng) -> Recurrent<C> {
        Recurrent { cell: (self.cell)(rng), return_sequences: self.return_sequences, reverse: self.reverse }
    }
}
