//! A cell that computes a sequence as it arrives.

use crate::context::Context;
use crate::recurrent::cell::{Cell, StepContext};
use crate::recurrent::layer::Recurrent;
use crate::recurrent::sequence_layer::{SequenceLayer, SequenceOutput};
use crate::recurrent::state::State;
use crate::recurrent::step::{check_state, check_step, project};
use crate::tuning::STREAMED_STEPS;
use std::fmt;
use unspool_autograd::{Params, Scalar, Tape, Tensor, Var};

/// A cell that keeps its state between steps, for inference on data as it arrives. Nothing is
/// recorded for a gradient, memory does not grow with the number of steps, and each step reuses the
/// memory of the one before.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::StreamingCell;
/// let cell: Lstm<Tensor> = Lstm::new(&mut rng(0), 3, 5);
/// let xs = Tensor::from_fn([7, 1, 3], |i| (i as f32).sin());
///
/// let mut stream = StreamingCell::new(cell.clone());
/// let outputs: Vec<Tensor> = (0..7).map(|t| stream.step(&xs.select(0, t))).collect();
///
/// let tape = Tape::new();
/// let whole = tape.bind(&Recurrent::new(cell)).forward(tape.constant(&xs));
/// // Products of one row may round differently.
/// let (streamed, whole) = (Tensor::stack(0, &outputs), whole.sequence().value());
/// let difference = streamed.zip(&whole, |a, b| (a - b).abs());
/// assert!(difference.to_vec().into_iter().all(|difference| difference < 1e-6));
/// ```
pub struct StreamingCell<T: Scalar, C, D> {
    tape: Tape<T>,
    cell: C,
    state: Option<D>,
}

impl<T: Scalar, C: fmt::Debug, D: fmt::Debug> fmt::Debug for StreamingCell<T, C, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamingCell").field("cell", &self.cell).field("state", &self.state).finish_non_exhaustive()
    }
}

impl<T, C, D> StreamingCell<T, C, D>
where
    T: Scalar,
    C: Params<Tensor<T>>,
    for<'t> C::With<Var<'t, T>>: Cell<'t, T, State: State<'t, T, Detached = D>>,
{
    /// The cell before its first step, which starts from the zero state.
    pub fn new(cell: C) -> Self {
        StreamingCell { tape: Tape::new(), cell, state: None }
    }

    /// The output `[B, H]` for the next input `[B, F]`.
    ///
    /// # Panics
    /// If the input is not `[B, F]` or does not fit the cell, or the state after the previous step
    /// does not fit a batch of B sequences.
    #[track_caller]
    pub fn step(&mut self, x: &Tensor<T>) -> Tensor<T> {
        let shape = x.shape();
        ensure!(shape.rank() == 2, "StreamingCell: the input must be [B, F], not {shape}");
        self.tape.reset(); // if the previous step panicked, its values are still there
        let (output, state) = {
            let cell = self.tape.bind_frozen(&self.cell);
            let x = project(&cell, self.tape.constant(x).unsqueeze(0)).squeeze(0);
            let state = match &self.state {
                Some(state) => State::attach(&self.tape, state),
                None => cell.zero_state(shape[0]),
            };
            check_state("StreamingCell: the state", &state, shape[0]);
            let (output, state) = cell.step_in(x, state, StepContext::default());
            check_step(output, &state, shape[0]);
            (output.value(), state.detached())
        };
        self.tape.reset();
        self.state = Some(state);
        output
    }

    /// The outputs `[T, B, H]` for the next inputs `[T, B, F]`, a whole sequence or a window of
    /// one: what [`step`](StreamingCell::step) returns one by one, but with the inputs of several
    /// steps projected in one product. Only the outputs take memory in proportion to T.
    ///
    /// A cell that reads its step number ([`Cell::step_in`]) gets the position within a chunk of 64
    /// steps here, and 0 in `step`.
    ///
    /// ```
    /// use unspool::recurrent::StreamingCell;
    /// use unspool::{Gru, Tensor, rng};
    /// let xs = Tensor::<f32>::from_fn([300, 4, 2], |i| (i as f32).sin());
    /// let mut stream = StreamingCell::new(Gru::new(&mut rng(0), 2, 5));
    /// assert_eq!(stream.run(&xs).shape()[..], [300, 4, 5]);
    /// ```
    ///
    /// # Panics
    /// If the input is not `[T, B, F]` of at least one step or does not fit the cell, or the state
    /// does not fit a batch of B sequences.
    #[track_caller]
    pub fn run(&mut self, xs: &Tensor<T>) -> Tensor<T> {
        let shape = xs.shape();
        ensure!(
            shape.rank() == 3 && shape[0] > 0,
            "StreamingCell: the inputs must be [T, B, F] with at least one time step, not {shape}"
        );
        let time = shape[0];
        let mut state = None;
        let mut outputs: Option<Tensor<T>> = None;
        for start in (0..time).step_by(STREAMED_STEPS) {
            let chunk = xs.slice(0, start..time.min(start + STREAMED_STEPS));
            self.tape.reset();
            {
                let layer = Recurrent::new(self.tape.bind_frozen(&self.cell));
                let xs = self.tape.constant(&chunk);
                let carried = state.as_ref().or(self.state.as_ref()).map(|carried| State::attach(&self.tape, carried));
                let output = layer.run(xs, carried, Context::default());
                let sequence = output.sequence().value();
                let outputs = outputs.get_or_insert_with(|| Tensor::zeros(sequence.shape().with(0, time)));
                outputs.slice_assign(0, start, &sequence);
                state = Some(output.state().detached());
            }
        }
        self.tape.reset();
        self.state = state; // only now: a panic above leaves the state as it was
        outputs.expect("at least one step")
    }

    /// The state after the last step; `None` before the first.
    pub fn state(&self) -> Option<&D> {
        self.state.as_ref()
    }

    /// Continues from this state; `None` is the zero state.
    pub fn set_state(&mut self, state: Option<D>) {
        self.state = state;
    }
}
