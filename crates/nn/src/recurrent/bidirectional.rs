//! Two layers over one sequence, one in each direction.

use crate::context::Context;
use crate::layers::layer::Layer;
use crate::recurrent::cell::Cell;
use crate::recurrent::checkpointing::Checkpointing;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::output::RecurrentOutput;
use crate::recurrent::sequence_layer::{SequenceLayer, SequenceOutput};
use crate::recurrent::state::State;
use unspool_autograd::{Params, Scalar, Var};

/// Two recurrent layers, one forwards and one backwards in time: from `[T, B, F]` to the outputs of
/// both, merged step by step.
///
/// With lengths, the backward layer starts at the last step of each sequence. The last output
/// merges the last step of each direction, which for the backward layer is time step 0.
///
/// Schuster and Paliwal 1997, "Bidirectional recurrent neural networks".
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::Bidirectional;
/// let rng = &mut rng(0);
/// let [forward, backward] = [(); 2].map(|()| Gru::<Tensor>::new(rng, 3, 5));
/// let layer = Bidirectional::new(forward, backward);
/// let tape = Tape::new();
/// let xs = tape.constant(&Tensor::ones([7, 4, 3]));
/// let net = tape.bind(&layer);
/// let output = net.apply(xs, Context::default().with_lengths(&[7, 2, 3, 1]));
/// assert_eq!(output.sequence().shape()[..], [7, 4, 10]);
/// assert_eq!(output.last().shape()[..], [4, 10]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct Bidirectional<C> {
    /// From the first time step to the last.
    pub forward: Recurrent<C>,
    /// From the last time step to the first.
    pub backward: Recurrent<C>,
    /// How the outputs of the two directions are merged.
    pub merge: Merge,
}

/// How the outputs of two directions are merged.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::{Bidirectional, Merge};
/// let rng = &mut rng(0);
/// let [forward, backward] = [(); 2].map(|()| Gru::<Tensor>::new(rng, 3, 5));
/// let mut layer = Bidirectional::new(forward, backward);
/// layer.merge = Merge::Sum;
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.sequence().shape()[..], [7, 4, 5]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Merge {
    /// Concatenated: `[.., 2H]`.
    #[default]
    Concat,
    /// Summed: `[.., H]`.
    Sum,
    /// Averaged: `[.., H]`.
    Mean,
}

impl Merge {
    #[track_caller]
    fn of<'t, T: Scalar>(self, forward: Var<'t, T>, backward: Var<'t, T>) -> Var<'t, T> {
        match self {
            Merge::Concat => Var::concat(forward.shape().rank() - 1, &[forward, backward]),
            Merge::Sum => forward + backward,
            Merge::Mean => (forward + backward) * 0.5,
        }
    }
}

impl<C> Bidirectional<C> {
    /// A layer over two cells, whose output is the concatenation of their last outputs.
    pub fn new(forward: C, backward: C) -> Self {
        let (forward, backward) = (Recurrent::new(forward), Recurrent::new(backward).reverse());
        Bidirectional { forward, backward, merge: Merge::Concat }
    }

    /// The same layer with another way to merge outputs.
    pub fn merge(self, merge: Merge) -> Self {
        Bidirectional { merge, ..self }
    }

    /// The same layer with [gradient checkpointing](Recurrent::checkpointing) in both directions.
    pub fn checkpointing(self, checkpointing: Checkpointing) -> Self {
        let [forward, backward] = [self.forward, self.backward].map(|layer| layer.checkpointing(checkpointing));
        Bidirectional { forward, backward, ..self }
    }

    /// The same layer with the outputs of all time steps as its output.
    pub fn return_sequences(self) -> Self {
        Bidirectional { forward: self.forward.return_sequences(), ..self }
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> Layer<'t, T> for Bidirectional<C> {
    type Output = BidirectionalOutput<'t, T, C::State>;

    /// # Panics
    /// If `xs` is not a sequence `[T, B, F]` of at least one step, or outputs of different sizes
    /// are to be summed or averaged.
    #[track_caller]
    fn apply(&self, xs: Var<'t, T>, cx: Context<'_>) -> Self::Output {
        self.run(xs, None, cx)
    }

    #[track_caller]
    fn apply_converted(&self, xs: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
        self.run(xs, None, if self.forward.return_sequences { cx } else { cx.without_sequence() }).into()
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> SequenceLayer<'t, T> for Bidirectional<C> {
    /// The states of the forward and the backward layer.
    type State = (C::State, C::State);

    #[track_caller]
    fn run(&self, xs: Var<'t, T>, state: Option<Self::State>, cx: Context<'_>) -> Self::Output {
        let (first, last) = state.unzip();
        let forward = self.forward.run(xs, first, cx.fold_in(0));
        let backward = self.backward.run(xs, last, cx.fold_in(1));
        if let (Merge::Sum | Merge::Mean, Some(a), Some(b)) = (self.merge, forward.width(), backward.width()) {
            let _scope = xs.tape().layer_scope(self);
            ensure!(a == b, "Bidirectional: outputs of sizes {a} and {b} cannot be added");
        }
        BidirectionalOutput { forward, backward, merge: self.merge, return_sequences: self.forward.return_sequences }
    }
}

/// The output of a [`Bidirectional`] layer over a sequence.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::Bidirectional;
/// let rng = &mut rng(0);
/// let [forward, backward] = [(); 2].map(|()| Gru::<Tensor>::new(rng, 3, 5));
/// let layer = Bidirectional::new(forward, backward);
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 10]);
/// assert_eq!(output.backward.last().shape()[..], [4, 5]);         // at time step 0
/// ```
#[derive(Clone, Debug)]
pub struct BidirectionalOutput<'t, T: Scalar, S> {
    /// The output of the forward layer.
    pub forward: RecurrentOutput<'t, T, S>,
    /// The output of the backward layer.
    pub backward: RecurrentOutput<'t, T, S>,
    merge: Merge,
    return_sequences: bool,
}

impl<'t, T: Scalar, S: State<'t, T>> SequenceOutput<'t, T> for BidirectionalOutput<'t, T, S> {
    type State = (S, S);

    /// The merged outputs of all time steps, in the order of time: `[T, B, 2H]` if concatenated,
    /// `[T, B, H]` otherwise.
    #[track_caller]
    fn sequence(&self) -> Var<'t, T> {
        self.merge.of(self.forward.sequence(), self.backward.sequence())
    }

    /// The merged last outputs: forwards that of the last time step, backwards that of the first.
    #[track_caller]
    fn last(&self) -> Var<'t, T> {
        self.merge.of(self.forward.last(), self.backward.last())
    }

    /// The states of both directions, each after its last step.
    fn state(&self) -> (S, S) {
        (self.forward.state(), self.backward.state())
    }
}

impl<'t, T: Scalar, S: State<'t, T>> From<BidirectionalOutput<'t, T, S>> for Var<'t, T> {
    /// The sequence if the layer returns sequences, the last output otherwise.
    fn from(output: BidirectionalOutput<'t, T, S>) -> Self {
        if output.return_sequences { output.sequence() } else { output.last() }
    }
}
