//! What a recurrent layer computed over a sequence.

use crate::recurrent::packing::Layout;
use crate::recurrent::state::State;
use unspool_autograd::{Scalar, Var};

/// What a recurrent layer computed over a sequence.
#[derive(Clone, Debug)]
pub struct RecurrentOutput<'t, T: Scalar, S> {
    pub(super) outputs: Vec<Var<'t, T>>,
    pub(super) states: Vec<S>,
    /// Where outputs and states stay at steps that do not count, the state before the first step.
    pub(super) initial: Option<S>,
    pub(super) state: S,
    pub(super) layout: Layout,
    pub(super) return_sequences: bool,
}

impl<'t, T: Scalar, S: State<'t, T>> RecurrentOutput<'t, T, S> {
    /// The output of the last step that was made: `[B, H]`. Of a layer that runs backwards in time, that is time step 0.
    pub fn last(&self) -> Var<'t, T> {
        self.layout.last(&self.outputs)
    }

    /// The outputs of all time steps: `[T, B, H]`, in the order of time also if the layer runs backwards.
    pub fn sequence(&self) -> Var<'t, T> {
        self.layout.sequence(&self.outputs)
    }

    /// The outputs time step by time step, each `[B, H]`: for a cost over only some of them.
    pub fn steps(&self) -> Vec<Var<'t, T>> {
        self.sequence().unbind().collect()
    }

    /// The state after the last step, that of each sequence if they have different lengths.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// The size of one output, the H of `[T, B, H]`.
    pub(crate) fn width(&self) -> Option<usize> {
        self.outputs[0].shape().last().copied()
    }

    /// The states after all time steps, as one state whose variables are `[T, B, H]`: of an LSTM, every h and every c.
    pub fn states(&self) -> S {
        match &self.initial {
            None => S::join(&self.states, &mut |parts| self.layout.sequence(parts)),
            Some(initial) => {
                let all: Vec<S> = self.states.iter().chain([initial]).cloned().collect();
                S::join(&all, &mut |parts| self.layout.sequence_after(parts))
            }
        }
    }
}

impl<'t, T: Scalar, S: State<'t, T>> From<RecurrentOutput<'t, T, S>> for Var<'t, T> {
    /// The sequence if the layer returns sequences, the last output otherwise.
    fn from(run: RecurrentOutput<'t, T, S>) -> Self {
        if run.return_sequences { run.sequence() } else { run.last() }
    }
}
