//! The loop over time: a cell at work on a sequence.

use crate::mode::Mode;
use crate::recurrent::cell::Cell;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::output::RecurrentOutput;
use crate::recurrent::packing::{Counted, Layout, merge};
use crate::recurrent::state::State;
use crate::tuning::PROJECTED_ROWS;
use std::ops::Range;
use unspool_autograd::{Scalar, Tape, Tensor, Var};

/// The unrolling of a recurrent layer over a sequence, to be run: what [`Recurrent::unroll`] returns.
#[must_use = "nothing is computed until `run`"]
pub struct Unroll<'a, 't, T: Scalar, C: Cell<'t, T>> {
    layer: &'a Recurrent<C>,
    xs: Var<'t, T>,
    state: Option<C::State>,
    counted: Counted<'a, T>,
    mode: Mode,
}

impl<'a, 't, T: Scalar, C: Cell<'t, T>> Unroll<'a, 't, T, C> {
    pub(crate) fn new(layer: &'a Recurrent<C>, xs: Var<'t, T>) -> Self {
        Unroll { layer, xs, state: None, counted: Counted::All, mode: Mode::Evaluation }
    }

    /// The state to begin with, instead of the cell's zero state.
    pub fn state(self, state: C::State) -> Self {
        Unroll { state: Some(state), ..self }
    }

    /// The state to begin with, as it was [detached](State::detach) after an earlier window; `None` at the first.
    pub fn carried(self, carried: Option<&<C::State as State<'t, T>>::Detached>) -> Self {
        let tape = self.xs.tape();
        Unroll { state: carried.map(|carried| C::State::attach(tape, carried)), ..self }
    }

    /// The number of time steps of each sequence; what lies behind is padding. Padding is skipped: it costs nothing,
    /// its outputs are zeros, and it has no part in any gradient. A sequence may have no step at all: its state stays.
    pub fn lengths(self, lengths: &'a [usize]) -> Self {
        Unroll { counted: Counted::Lengths(lengths), ..self }
    }

    /// Which steps count, `[T, B]`: those where `mask` is not 0, anywhere in the sequence. At the others the cell's state stays as
    /// it was and the output before is repeated (zeros before the first), as in Keras; they cost nothing, and nothing is read
    /// there. It takes the place of [`lengths`](Unroll::lengths).
    ///
    /// ```
    /// use unspool_nn::rng;
    /// use unspool_nn::cells::Gru;
    /// use unspool_nn::recurrent::Recurrent;
    /// use unspool_autograd::{Tape, Tensor};
    /// let layer = Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 1, 4));
    /// let tape = Tape::new();
    /// let (net, xs) = (tape.bind(&layer), tape.constant(&Tensor::from_vec(vec![0.5, f32::NAN, 0.7], [3, 1, 1])));
    /// let run = net.unroll(xs).mask(&Tensor::from_vec(vec![1.0, 0.0, 1.0], [3, 1])).run();
    /// assert_eq!(run.steps()[1].value(), run.steps()[0].value());
    /// ```
    pub fn mask(self, mask: &'a Tensor<T>) -> Self {
        Unroll { counted: Counted::Mask(mask), ..self }
    }

    /// Training or evaluation, for cells with dropout; evaluation unless said otherwise.
    pub fn mode(self, mode: Mode) -> Self {
        Unroll { mode, ..self }
    }

    /// Makes the steps.
    ///
    /// # Panics
    /// If the input is not a sequence `[T, B, F]` of at least one step, or the state, the lengths or the mask do not fit it.
    #[track_caller]
    pub fn run(self) -> RecurrentOutput<'t, T, C::State> {
        let (cell, shape) = (&self.layer.cell, self.xs.shape());
        let (time, batch) = match shape[..] {
            [time, batch, _] if time > 0 => (time, batch),
            _ => panic!("Recurrent: the input must be [T, B, F] with at least one time step, not {shape}"),
        };
        let layout = Layout::new(time, batch, self.counted, self.layer.reverse);
        let xs = layout.pack(self.xs);
        let mut state = match self.state {
            Some(state) => state,
            None => cell.zero_state(batch),
        };
        check_state("Recurrent: the state", &state, batch);
        if layout.is_packed() {
            state = state.map(&mut |part| layout.sort(part));
        }
        let initial = layout.stays().then(|| state.clone());
        let (mut outputs, mut states) = (Vec::with_capacity(time), Vec::with_capacity(time));
        let mut stepper = Stepper::new(cell, self.xs.tape(), self.mode);
        // The states of sequences that have ended, the shortest first.
        let (mut ended, mut running) = (Vec::new(), batch);
        let mut projected = Projected { values: None, rows: 0..0, made: 0..0 };
        for (t, step) in layout.steps.iter().enumerate() {
            if projected.values.is_none() || step.start < projected.rows.start || step.end > projected.rows.end {
                stepper.tape.release(projected.made, &[]);
                projected = Projected::of(cell, xs, &layout, t);
            }
            if step.len() < running {
                ended.push(state.map(&mut |part| part.slice(0, step.len()..)));
                state = state.map(&mut |part| part.slice(0, ..step.len()));
                running = step.len();
            }
            let output;
            (output, state) = stepper.step(t, projected.step(step), state);
            outputs.push(output);
            states.push(state.clone());
        }
        stepper.tape.release(projected.made, &[]);
        if layout.is_packed() {
            ended.push(state);
            ended.reverse();
            state = C::State::join(&ended, &mut |parts| layout.unsort(Var::concat(0, parts)));
        }
        RecurrentOutput { outputs, states, initial, state, layout, return_sequences: self.layer.return_sequences }
    }
}

/// A cell at work: of each of its steps only the output and the state are seen from outside, so the tape may forget the
/// rest.
pub(super) struct Stepper<'a, 't, T: Scalar, C> {
    cell: &'a C,
    tape: &'t Tape<T>,
    mode: Mode,
    /// What a step leaves behind.
    kept: Vec<Var<'t, T>>,
}

impl<'a, 't, T: Scalar, C: Cell<'t, T>> Stepper<'a, 't, T, C> {
    pub(super) fn new(cell: &'a C, tape: &'t Tape<T>, mode: Mode) -> Self {
        Stepper { cell, tape, mode, kept: Vec::new() }
    }

    /// Step number `t`, on the input that `x` makes.
    #[track_caller]
    pub(super) fn step(&mut self, t: usize, x: Input<'t, T>, state: C::State) -> (Var<'t, T>, C::State) {
        let since = self.tape.len();
        let x = match x {
            Input::Rows(rows, range) => rows.slice(0, range),
            Input::Raw(input) => project(self.cell, input.unsqueeze(0)).squeeze(0),
        };
        let (output, state) = self.cell.step_in(x, state, self.mode, t);
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

/// The projected inputs of some steps.
struct Projected<'t, T: Scalar> {
    values: Option<Var<'t, T>>,
    /// Which of all rows these are.
    rows: Range<usize>,
    /// What the tape holds of their making.
    made: Range<usize>,
}

impl<'t, T: Scalar> Projected<'t, T> {
    /// Those of step number `t` and some after it.
    #[track_caller]
    fn of<C: Cell<'t, T>>(cell: &C, xs: Var<'t, T>, layout: &Layout, t: usize) -> Self {
        let mut rows = layout.steps[t].clone();
        for step in &layout.steps[t + 1..] {
            if rows.len() + step.len() > PROJECTED_ROWS {
                break;
            }
            rows = rows.start.min(step.start)..rows.end.max(step.end);
        }
        let since = xs.tape().len();
        let values = merge(project(cell, layout.part(xs, &rows)));
        Projected { values: Some(values), rows, made: since..xs.tape().len() }
    }

    /// The input of a step, some of these rows.
    fn step(&self, step: &Range<usize>) -> Input<'t, T> {
        let values = self.values.expect("made before the step");
        Input::Rows(values, step.start - self.rows.start..step.end - self.rows.start)
    }
}

/// What a step is made on.
pub(super) enum Input<'t, T: Scalar> {
    /// Some of the projected rows.
    Rows(Var<'t, T>, Range<usize>),
    /// An input `[B, F]`, to be projected.
    Raw(Var<'t, T>),
}

/// What the cell makes of the inputs `[T, B, F]` alone.
///
/// # Panics
/// If it is not `[T, B, ..]`.
#[track_caller]
pub(crate) fn project<'t, T: Scalar, C: Cell<'t, T>>(cell: &C, xs: Var<'t, T>) -> Var<'t, T> {
    let projected = cell.project(xs);
    let (given, made) = (xs.shape(), projected.shape());
    let fits = made.rank() >= 2 && made[..2] == given[..2];
    assert!(fits, "Cell: project makes {made} of {given}; the first two axes must be the same");
    projected
}

/// # Panics
/// If a variable of the state is not `[B, ..]`.
#[track_caller]
pub(crate) fn check_state<'t, T: Scalar, S: State<'t, T>>(what: &str, state: &S, batch: usize) {
    let mut misfit = None; // told here, as a closure has no caller's line
    state.visit(&mut |part| {
        let shape = part.shape();
        if shape.first() != Some(&batch) {
            misfit.get_or_insert(shape);
        }
    });
    if let Some(shape) = misfit {
        panic!("{what} {shape} is not one of {batch} sequences");
    }
}

/// # Panics
/// If the output of a step or a variable of its state is not `[B, ..]`.
#[track_caller]
fn check_step<'t, T: Scalar, S: State<'t, T>>(output: Var<'t, T>, state: &S, batch: usize) {
    check_state("Cell: the output of a step,", &output, batch);
    check_state("Cell: the state after a step,", state, batch);
}
