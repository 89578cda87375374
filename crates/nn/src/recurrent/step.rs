//! One step of a cell, and the projection of the inputs for many.

use crate::mode::Mode;
use crate::recurrent::cell::{Cell, StepContext, Unrolled};
use crate::recurrent::notes::RunNotes;
use crate::recurrent::packing::{Packing, Steps, merge, unmerge};
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
    /// What is noted of the run, on a tape that is looked at.
    notes: Option<Box<RunNotes>>,
}

impl<'a, 't, T: Scalar, C: Cell<'t, T>> Stepper<'a, 't, T, C> {
    pub(super) fn new(cell: &'a C, tape: &'t Tape<T>, mode: Mode) -> Self {
        let notes = || Box::new(RunNotes::new(cell.state_names(), cell.gates()));
        Stepper { cell, tape, mode, kept: Vec::new(), notes: tape.keeps_all().then(notes) }
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
        if let Some(notes) = &mut self.notes {
            notes.step(since..self.tape.len(), &self.kept);
        }
        (output, state)
    }

    /// Notes which inputs were projected together.
    pub(super) fn note_projection(&mut self, projection: &Projection<'t, T>) {
        if let Some(notes) = &mut self.notes {
            notes.projection(projection.recorded.clone(), projection.projected, projection.rows.clone());
        }
    }

    /// Leaves on the tape what is noted, for [`inspect`](crate::inspect).
    pub(super) fn remark(self, packing: &Packing) {
        if let Some(notes) = self.notes {
            self.tape.remark(notes.of(packing.clone()));
        }
    }

    /// Several steps at once, if the cell can, with their number; `xs` are their inputs.
    #[track_caller]
    pub(super) fn unroll(&mut self, xs: Var<'t, T>, state: C::State) -> Option<(usize, Unrolled<'t, T, C::State>)> {
        let since = self.tape.len();
        let unrolled = self.cell.unroll(xs, state)?;
        let (steps, batch) = (xs.shape()[0], xs.shape()[1]);
        let (outputs, shape) = (unrolled.outputs, unrolled.outputs.shape());
        ensure!(
            shape.rank() > 2 && shape[..2] == [steps, batch],
            "Cell: unroll turns {steps} steps of a batch of {batch} into outputs {shape}"
        );
        check_state("Cell: the state after unroll", &unrolled.state, batch);
        if let Some(states) = &unrolled.states {
            states.visit(&mut |var| {
                let shape = var.shape();
                let fits = shape.rank() > 1 && shape[..2] == [steps, batch];
                ensure!(fits, "Cell: unroll turns {steps} steps of a batch of {batch} into states {shape}");
            });
        }
        self.kept.clear();
        self.kept.push(outputs);
        for state in unrolled.states.iter().chain([&unrolled.state]) {
            state.visit(&mut |var| self.kept.push(var));
        }
        self.tape.release(since..self.tape.len(), &self.kept);
        Some((steps, unrolled))
    }
}

/// The input of a step.
pub(super) enum Input<'t, T: Scalar> {
    /// A range of projected rows.
    Rows(Var<'t, T>, Range<usize>),
    /// An input `[B, F]` that is still to be projected.
    Raw(Var<'t, T>),
}

/// The time steps whose inputs are projected together: as many as have [`PROJECTED_ROWS`] rows, at
/// least one. So steps find their inputs in cache, and a long sequence is never projected as a
/// whole.
pub(super) fn links(steps: &Steps) -> impl Iterator<Item = Range<usize>> + Clone {
    let link_from = |start: usize| {
        let (mut end, mut rows) = (start, 0);
        while end < steps.len() && (end == start || rows + steps.rows(end).len() <= PROJECTED_ROWS) {
            rows += steps.rows(end).len();
            end += 1;
        }
        (end > start).then_some(start..end)
    };
    std::iter::successors(link_from(0), move |link| link_from(link.end))
}

/// The projected inputs of some steps, which the tape releases after the last of them.
pub(super) struct Projection<'t, T: Scalar> {
    projected: Var<'t, T>,
    /// Which of all rows these are.
    rows: Range<usize>,
    /// What the tape recorded to compute them.
    recorded: Range<usize>,
}

impl<'t, T: Scalar> Projection<'t, T> {
    /// Projects the inputs `xs`, as [`Packing::pack`] returned them, of the steps `link`.
    #[track_caller]
    pub(super) fn new<C: Cell<'t, T>>(cell: &C, packing: &Packing, xs: Var<'t, T>, link: Range<usize>) -> Self {
        // Steps follow each other upwards, or downwards if the layer runs backwards in time.
        let (first, last) = (packing.steps.rows(link.start), packing.steps.rows(link.end - 1));
        let rows = first.start.min(last.start)..first.end.max(last.end);
        let since = xs.tape().len();
        let projected = merge(project(cell, packing.slice(xs, &rows)));
        Projection { projected, rows, recorded: since..xs.tape().len() }
    }

    /// The input of the step that computes these of all rows.
    pub(super) fn input(&self, step: &Range<usize>) -> Input<'t, T> {
        Input::Rows(self.projected, step.start - self.rows.start..step.end - self.rows.start)
    }

    /// The inputs of several steps with as many rows each, `[K, B, ..]`, in the order of the steps.
    pub(super) fn inputs(&self, packing: &Packing, steps: Range<usize>) -> Var<'t, T> {
        let (first, last) = (packing.steps.rows(steps.start), packing.steps.rows(steps.end - 1));
        let start = first.start.min(last.start) - self.rows.start;
        let rows = self.projected.slice(0, start..start + first.len() * steps.len());
        let inputs = unmerge(rows, steps.len(), first.len());
        if last.start < first.start { inputs.flip(0) } else { inputs }
    }

    /// Lets the tape release the projected rows, after their steps.
    pub(super) fn release(self) {
        self.projected.tape().release(self.recorded, &[]);
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
    ensure!(fits, "Cell: project turns {from} into {to}; the first two axes must stay the same");
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
        fail!("{what} {shape} does not fit a batch of {batch}");
    }
}

/// # Panics
/// If the output of a step or a variable of its state is not `[B, ..]`.
#[track_caller]
pub(super) fn check_step<'t, T: Scalar, S: State<'t, T>>(output: Var<'t, T>, state: &S, batch: usize) {
    check_state("Cell: the output of a step", &output, batch);
    check_state("Cell: the state after a step", state, batch);
}
