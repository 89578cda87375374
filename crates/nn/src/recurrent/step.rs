//! One step of a cell, and the projection of the inputs for many.

use crate::mode::Mode;
use crate::recurrent::cell::{Cell, StepContext};
use crate::recurrent::packing::{Packing, merge};
use crate::recurrent::state::State;
use crate::tuning::PROJECTED_ROWS;
use std::ops::Range;
use unspool_autograd::{Scalar, Tape, Var};

/// Runs a cell step by step. Only the output and the state of a step are visible from outside, so
/// the tape may release everything else that no gradient rule reads.
pub(super) struct Stepper<'a, 't, T: Scalar, C> {
    cell: &'a C,
    tape: &'t Tape<T>,
    mode: Mode,
    /// What the tape keeps of a step. A field, so that a step allocates nothing.
    kept: Vec<Var<'t, T>>,
}

impl<'a, 't, T: Scalar, C: Cell<'t, T>> Stepper<'a, 't, T, C> {
    pub(super) fn new(cell: &'a C, tape: &'t Tape<T>, mode: Mode) -> Self {
        Stepper { cell, tape, mode, kept: Vec::new() }
    }

    /// Step number `t`: its output and the next state.
    #[track_caller]
    pub(super) fn step(&mut self, t: usize, input: Input<'t, T>, state: C::State) -> (Var<'t, T>, C::State) {
        let since = self.tape.len();
        let x = match input {
            Input::Rows(rows, range) => rows.slice(0, range),
            Input::Raw(input) => project(self.cell, input.unsqueeze(0)).squeeze(0),
        };
        let (output, state) = self.cell.step_in(x, state, StepContext { mode: self.mode, t });
        if t == 0 {
            check_step(output, &state, x.shape()[0]);
        }
        self.kept.clear();
        self.kept.push(output);
        state.visit(&mut |var| self.kept.push(var));
        self.tape.release(since..self.tape.len(), &self.kept);
        (output, state)
    }
}

/// The input of a step.
pub(super) enum Input<'t, T: Scalar> {
    /// A range of projected rows.
    Rows(Var<'t, T>, Range<usize>),
    /// An input `[B, F]` that is still to be projected.
    Raw(Var<'t, T>),
}

/// The projected inputs of a layer. They are computed for some steps at a time and released after
/// the last of these, so that steps find them in cache and a long sequence is never projected as a
/// whole.
pub(super) struct Projection<'a, 't, T: Scalar, C> {
    cell: &'a C,
    packing: &'a Packing,
    /// The inputs as [`Packing::pack`] returned them.
    xs: Var<'t, T>,
    /// The rows projected last.
    projected: Option<Var<'t, T>>,
    /// Which of all rows these are.
    rows: Range<usize>,
    /// What the tape recorded to compute them.
    recorded: Range<usize>,
}

impl<'a, 't, T: Scalar, C: Cell<'t, T>> Projection<'a, 't, T, C> {
    pub(super) fn new(cell: &'a C, packing: &'a Packing, xs: Var<'t, T>) -> Self {
        Projection { cell, packing, xs, projected: None, rows: 0..0, recorded: 0..0 }
    }

    /// The input of step number `t`.
    #[track_caller]
    pub(super) fn input(&mut self, t: usize) -> Input<'t, T> {
        let step = &self.packing.steps[t];
        let projected = match self.projected {
            Some(projected) if step.start >= self.rows.start && step.end <= self.rows.end => projected,
            _ => self.project_from(t),
        };
        Input::Rows(projected, step.start - self.rows.start..step.end - self.rows.start)
    }

    /// Projects the inputs of step number `t` and of as many steps after it as fit.
    #[track_caller]
    fn project_from(&mut self, t: usize) -> Var<'t, T> {
        self.release();
        self.rows = self.packing.steps[t].clone();
        for step in &self.packing.steps[t + 1..] {
            if self.rows.len() + step.len() > PROJECTED_ROWS {
                break;
            }
            // Steps follow each other upwards, or downwards if the layer runs backwards in time.
            self.rows = self.rows.start.min(step.start)..self.rows.end.max(step.end);
        }
        let since = self.xs.tape().len();
        let projected = merge(project(self.cell, self.packing.slice(self.xs, &self.rows)));
        self.recorded = since..self.xs.tape().len();
        self.projected = Some(projected);
        projected
    }

    /// Lets the tape release the rows projected last, after their steps.
    pub(super) fn release(&mut self) {
        self.xs.tape().release(std::mem::take(&mut self.recorded), &[]);
    }
}

/// The cell's projection of inputs `[T, B, F]`.
///
/// # Panics
/// If it is not `[T, B, ..]`.
#[track_caller]
pub(crate) fn project<'t, T: Scalar, C: Cell<'t, T>>(cell: &C, xs: Var<'t, T>) -> Var<'t, T> {
    let projected = cell.project(xs);
    let (from, to) = (xs.shape(), projected.shape());
    let fits = to.rank() >= 2 && to[..2] == from[..2];
    assert!(fits, "Cell: project turns {from} into {to}; the first two axes must stay the same");
    projected
}

/// # Panics
/// If a variable of the state is not `[B, ..]`.
#[track_caller]
pub(crate) fn check_state<'t, T: Scalar, S: State<'t, T>>(what: &str, state: &S, batch: usize) {
    let mut misfit = None; // reported below: a closure would hide the caller's line
    state.visit(&mut |var| {
        let shape = var.shape();
        if shape.first() != Some(&batch) {
            misfit.get_or_insert(shape);
        }
    });
    if let Some(shape) = misfit {
        panic!("{what} {shape} does not fit a batch of {batch}");
    }
}

/// # Panics
/// If the output of a step or a variable of its state is not `[B, ..]`.
#[track_caller]
fn check_step<'t, T: Scalar, S: State<'t, T>>(output: Var<'t, T>, state: &S, batch: usize) {
    check_state("Cell: the output of a step", &output, batch);
    check_state("Cell: the state after a step", state, batch);
}
