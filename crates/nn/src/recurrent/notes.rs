//! What a run over time leaves on a tape that keeps all, for [`inspect`](crate::inspect).

use crate::recurrent::packing::Packing;
use std::ops::Range;
use unspool_autograd::{Scalar, Var, here};

/// One run of a recurrent layer. Values are given by their positions on the tape.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) notes: RunNotes,
    pub(crate) packing: Packing,
}

#[derive(Clone)]
pub(crate) struct RunNotes {
    /// The scope of the cell.
    pub(crate) cell: String,
    pub(crate) state_names: &'static [&'static str],
    pub(crate) gates: &'static [&'static str],
    /// In the order in which they were computed.
    pub(crate) steps: Vec<StepNotes>,
    pub(crate) projections: Vec<ProjectionNotes>,
}

/// A step.
#[derive(Clone)]
pub(crate) struct StepNotes {
    /// All that it computed.
    pub(crate) recorded: Range<usize>,
    pub(crate) output: usize,
    /// The variables of the state after it.
    pub(crate) state: Vec<usize>,
}

/// The projection of the inputs of some steps.
#[derive(Clone)]
pub(crate) struct ProjectionNotes {
    pub(crate) recorded: Range<usize>,
    /// `[N, ..]`: the rows of all these steps.
    pub(crate) projected: usize,
    /// Which rows of the sequences these are, in the order of the packing.
    pub(crate) rows: Range<usize>,
}

impl RunNotes {
    /// Notes of the cell in whose scope the thread is.
    pub(super) fn new(state_names: &'static [&'static str], gates: &'static [&'static str]) -> Self {
        RunNotes { cell: here().to_string(), state_names, gates, steps: Vec::new(), projections: Vec::new() }
    }

    /// `kept` are the output and the variables of the state.
    pub(super) fn step<T: Scalar>(&mut self, recorded: Range<usize>, kept: &[Var<'_, T>]) {
        let (output, state) = kept.split_first().expect("a step has an output");
        let state = state.iter().map(|var| var.position()).collect();
        self.steps.push(StepNotes { recorded, output: output.position(), state });
    }

    pub(super) fn projection<T: Scalar>(&mut self, recorded: Range<usize>, projected: Var<'_, T>, rows: Range<usize>) {
        self.projections.push(ProjectionNotes { recorded, projected: projected.position(), rows });
    }

    pub(super) fn of(self, packing: Packing) -> Run {
        Run { notes: self, packing }
    }
}
