//! A cell at work on a sequence, and what comes out.

use crate::cell::Cell;
use crate::layout::{Counted, Layout, merge};
use crate::mode::Mode;
use crate::recurrent::Recurrent;
use crate::state::State;
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
    /// use unspool_nn::{rng, Gru, Recurrent};
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
    pub fn run(self) -> Unrolled<'t, T, C::State> {
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
        Unrolled { outputs, states, initial, state, layout, return_sequences: self.layer.return_sequences }
    }
}

/// A cell at work: of each of its steps only the output and the state are seen from outside, so the tape may forget the
/// rest.
struct Stepper<'a, 't, T: Scalar, C> {
    cell: &'a C,
    tape: &'t Tape<T>,
    mode: Mode,
    /// What a step leaves behind.
    kept: Vec<Var<'t, T>>,
}

impl<'a, 't, T: Scalar, C: Cell<'t, T>> Stepper<'a, 't, T, C> {
    fn new(cell: &'a C, tape: &'t Tape<T>, mode: Mode) -> Self {
        Stepper { cell, tape, mode, kept: Vec::new() }
    }

    /// Step number `t`, on the input that `x` makes.
    #[track_caller]
    fn step(&mut self, t: usize, x: Input<'t, T>, state: C::State) -> (Var<'t, T>, C::State) {
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

/// As many rows as are projected at once, or a step if it has more: enough for a product at full speed, few enough that
/// the steps find them in cache.
const ROWS: usize = 256;

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
            if rows.len() + step.len() > ROWS {
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
enum Input<'t, T: Scalar> {
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

impl<C> Recurrent<C> {
    /// Makes `steps` steps from `state`, each of whose inputs, `[B, F]`, depends on the output before: `first` is the
    /// first, `next(t, output)` makes that of step t + 1 from the output of step t. A decoder: with targets as inputs it
    /// is forced by its teacher, with its own outputs it runs freely, and it may change from one to the other.
    ///
    /// ```
    /// use unspool_nn::{rng, Cell, Dense, Gru, Layer, Mode, Recurrent};
    /// use unspool_autograd::{Tape, Tensor};
    /// let rng = &mut rng(0);
    /// let (layer, head) = (Recurrent::new(Gru::<Tensor>::new(rng, 1, 8)), Dense::<Tensor>::new(rng, 8, 1));
    /// let tape = Tape::new();
    /// let (net, head) = (tape.bind(&layer), tape.bind(&head));
    /// let targets = tape.constant(&Tensor::ones([10, 4, 1]));
    /// let (encoded, start) = (net.cell.zero_state(4), tape.constant(&Tensor::zeros([4, 1])));
    /// let mode = Mode::Training { seed: 5 };
    /// let run = net.feed(start, encoded, 10, mode, |t, output| {
    ///     if mode.part(t).happens(0.5) { targets.select(0, t) } else { head.forward(output) }
    /// });
    /// assert_eq!(head.forward(run.sequence()).shape()[..], [10, 4, 1]);
    /// ```
    ///
    /// # Panics
    /// If there are no steps, or the state or an input does not fit the cell or the batch.
    #[track_caller]
    pub fn feed<'t, T: Scalar>(
        &self,
        first: Var<'t, T>,
        mut state: C::State,
        steps: usize,
        mode: Mode,
        mut next: impl FnMut(usize, Var<'t, T>) -> Var<'t, T>,
    ) -> Unrolled<'t, T, C::State>
    where
        C: Cell<'t, T>,
    {
        assert!(steps > 0, "feed: the number of steps is 0");
        let shape = first.shape();
        assert!(shape.rank() == 2, "feed: the first input must be [B, F], not {shape}");
        let (mut input, batch) = (first, shape[0]);
        check_state("Recurrent: the state", &state, batch);
        let (mut outputs, mut states) = (Vec::with_capacity(steps), Vec::with_capacity(steps));
        let mut stepper = Stepper::new(&self.cell, first.tape(), mode);
        for t in 0..steps {
            if let Some(&output) = outputs.last() {
                input = next(t - 1, output);
            }
            let output;
            (output, state) = stepper.step(t, Input::Raw(input), state);
            outputs.push(output);
            states.push(state.clone());
        }
        let layout = Layout::whole(steps, batch, false);
        Unrolled { outputs, states, initial: None, state, layout, return_sequences: self.return_sequences }
    }
}

/// What a recurrent layer computed over a sequence.
#[derive(Clone, Debug)]
pub struct Unrolled<'t, T: Scalar, S> {
    outputs: Vec<Var<'t, T>>,
    states: Vec<S>,
    /// Where outputs and states stay at steps that do not count, the state before the first step.
    initial: Option<S>,
    state: S,
    layout: Layout,
    return_sequences: bool,
}

impl<'t, T: Scalar, S: State<'t, T>> Unrolled<'t, T, S> {
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

impl<'t, T: Scalar, S: State<'t, T>> From<Unrolled<'t, T, S>> for Var<'t, T> {
    /// The sequence if the layer returns sequences, the last output otherwise.
    fn from(run: Unrolled<'t, T, S>) -> Self {
        if run.return_sequences { run.sequence() } else { run.last() }
    }
}
