//! The output of a recurrent layer over a sequence.

use crate::recurrent::packing::Packing;
use crate::recurrent::sequence_layer::SequenceOutput;
use crate::recurrent::state::State;
use std::fmt;
use unspool_autograd::{Scalar, Var};

/// The output of a [`Recurrent`](crate::recurrent::Recurrent) layer over a sequence.
#[derive(Clone)]
pub struct RecurrentOutput<'t, T: Scalar, S> {
    /// What each step computed, in the order of the steps and of its packed rows.
    pub(super) outputs: Vec<Var<'t, T>>,
    pub(super) states: Vec<S>,
    /// The state before the first step, sorted, if states repeat at steps that are not valid.
    pub(super) initial: Option<S>,
    /// The output of the last step of each sequence, if the others are not kept.
    pub(super) last: Option<Var<'t, T>>,
    /// The state after the last step of each sequence, in the order of the batch.
    pub(super) state: S,
    pub(super) packing: Packing,
    pub(super) return_sequences: bool,
}

impl<T: Scalar, S: fmt::Debug> fmt::Debug for RecurrentOutput<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecurrentOutput")
            .field("state", &self.state)
            .field("return_sequences", &self.return_sequences)
            .finish_non_exhaustive()
    }
}

impl<'t, T: Scalar, S: State<'t, T>> RecurrentOutput<'t, T, S> {
    /// The output of each time step, `[B, H]`: for a loss over some of them, or to look at their
    /// gradients.
    ///
    /// Without lengths and masks, and of a cell that goes step by step, these are the variables of
    /// which [`sequence`](SequenceOutput::sequence) and [`last`](SequenceOutput::last) are made, so
    /// that [`retain_grad`](Var::retain_grad) gives the gradient of any loss. Otherwise they are
    /// slices of a sequence, and have a gradient if the loss is computed from them; if it is not,
    /// asking for one panics. [`GradientFlow`](crate::inspect::GradientFlow) has the gradients of all
    /// states in any case.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// let layer = Recurrent::new(SimpleRnn::<Tensor>::new(&mut rng(0), 1, 8));
    /// let tape = Tape::new();
    /// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([50, 4, 1])));
    /// let steps: Vec<_> = output.steps().into_iter().map(|h| h.retain_grad()).collect();
    /// let gradients = output.last().square().sum().backward();
    /// let norm = |t: usize| gradients.wrt(steps[t]).map(|g| g * g).sum().item().sqrt();
    /// assert!(norm(0) < norm(25) && norm(25) < norm(49)); // vanishes on its way back
    /// ```
    ///
    /// # Panics
    /// If the context was [`without_sequence`](crate::Context::without_sequence).
    #[track_caller]
    pub fn steps(&self) -> Vec<Var<'t, T>> {
        match self.packing.times(&self.outputs) {
            Some(steps) => steps,
            None => self.sequence().unbind().collect(), // not in a closure, which has no caller's line
        }
    }

    /// The size of one output, the H of `[T, B, H]`.
    pub(crate) fn width(&self) -> Option<usize> {
        self.outputs.first().or(self.last.as_ref())?.shape().last().copied()
    }

    /// The states after all time steps, as one state whose variables are `[T, B, H]`: for an LSTM,
    /// every h and every c. They are copies, joined over time: a loss that is not computed from them
    /// does not depend on them. For the gradients of states see
    /// [`GradientFlow`](crate::inspect::GradientFlow).
    ///
    /// # Panics
    /// If they were not kept: with gradient checkpointing, a context
    /// [`without_sequence`](crate::Context::without_sequence), or a cell whose
    /// [`unroll`](crate::recurrent::Cell::unroll) does not return them
    /// ([`Mlstm`](crate::cells::Mlstm)).
    #[track_caller]
    pub fn states(&self) -> S {
        ensure!(
            !self.states.is_empty(),
            "states: only the last was kept; so it is with gradient checkpointing, a context without_sequence(), and a cell whose unroll returns none, as Mlstm's"
        );
        match &self.initial {
            None => S::join(&self.states, &mut |vars| self.packing.sequence(vars)),
            Some(initial) => {
                let all: Vec<S> = self.states.iter().chain([initial]).cloned().collect();
                S::join(&all, &mut |vars| self.packing.sequence_after(vars))
            }
        }
    }
}

impl<'t, T: Scalar, S: State<'t, T>> SequenceOutput<'t, T> for RecurrentOutput<'t, T, S> {
    type State = S;

    /// The outputs of all time steps: `[T, B, H]`, in the order of time even if the layer runs
    /// backwards.
    ///
    /// # Panics
    /// If the context was [`without_sequence`](crate::Context::without_sequence).
    #[track_caller]
    fn sequence(&self) -> Var<'t, T> {
        ensure!(
            !self.outputs.is_empty(),
            "sequence: the context was without_sequence(), so the layer kept only the last output"
        );
        self.packing.sequence(&self.outputs)
    }

    /// The output of the last step of each sequence: `[B, H]`. For a layer that runs backwards in
    /// time, that is time step 0.
    #[track_caller]
    fn last(&self) -> Var<'t, T> {
        self.last.unwrap_or_else(|| self.packing.last(&self.outputs))
    }

    fn state(&self) -> S {
        self.state.clone()
    }
}

impl<'t, T: Scalar, S: State<'t, T>> From<RecurrentOutput<'t, T, S>> for Var<'t, T> {
    /// The sequence if the layer returns sequences, the last output otherwise.
    fn from(output: RecurrentOutput<'t, T, S>) -> Self {
        if output.return_sequences { output.sequence() } else { output.last() }
    }
}
