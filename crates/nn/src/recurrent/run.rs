//! The loop over time.

use crate::layers::layer::Layer;
use crate::mode::Mode;
use crate::recurrent::cell::Cell;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::output::RecurrentOutput;
use crate::recurrent::packing::{Packing, Valid};
use crate::recurrent::sequence_layer::SequenceLayer;
use crate::recurrent::state::State;
use crate::recurrent::step::{Projection, Stepper, check_state};
use unspool_autograd::{Scalar, Tensor, Var};

impl<C> Recurrent<C> {
    /// The layer over the sequence `xs`, with options: an initial state, lengths or a mask,
    /// training mode. Nothing is computed until [`run`](Unroll::run).
    pub fn unroll<'a, 't, T: Scalar>(&'a self, xs: Var<'t, T>) -> Unroll<'a, 't, T, C>
    where
        C: Cell<'t, T>,
    {
        Unroll { layer: self, xs, state: None, valid: Valid::All, mode: Mode::Evaluation }
    }

    /// Like [`forward`](Layer::forward), from a given state instead of zero.
    ///
    /// # Panics
    /// If `xs` is not a sequence `[T, B, F]` of at least one step, or the state does not fit a
    /// batch of B sequences.
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

impl<'t, T: Scalar, C: Cell<'t, T>> SequenceLayer<'t, T> for Recurrent<C> {
    type State = C::State;

    #[track_caller]
    fn run(&self, xs: Var<'t, T>, state: Option<C::State>, lengths: Option<&[usize]>, mode: Mode) -> Self::Output {
        let valid = lengths.map_or(Valid::All, Valid::Lengths);
        Unroll { layer: self, xs, state, valid, mode }.run()
    }
}

/// A recurrent layer about to run over a sequence: what [`Recurrent::unroll`] returns.
#[must_use = "nothing is computed until `run`"]
pub struct Unroll<'a, 't, T: Scalar, C: Cell<'t, T>> {
    layer: &'a Recurrent<C>,
    xs: Var<'t, T>,
    state: Option<C::State>,
    valid: Valid<'a, T>,
    mode: Mode,
}

impl<'a, 't, T: Scalar, C: Cell<'t, T>> Unroll<'a, 't, T, C> {
    /// Sets the initial state, instead of the cell's zero state.
    pub fn state(self, state: C::State) -> Self {
        Unroll { state: Some(state), ..self }
    }

    /// Sets the initial state to one [detached](State::detach) after an earlier window; `None`, at
    /// the first window, is the zero state.
    pub fn carried(self, carried: Option<&<C::State as State<'t, T>>::Detached>) -> Self {
        let tape = self.xs.tape();
        Unroll { state: carried.map(|carried| C::State::attach(tape, carried)), ..self }
    }

    /// Sets the number of time steps of each sequence; what follows them is padding. Padding is
    /// skipped: it costs nothing, its outputs are zeros, and it contributes to no gradient. The
    /// state of a sequence without steps stays as it is.
    pub fn lengths(self, lengths: &'a [usize]) -> Self {
        Unroll { valid: Valid::Lengths(lengths), ..self }
    }

    /// Sets which steps are valid: those where `mask`, `[T, B]`, is not 0, anywhere in the
    /// sequence. At the others the state stays as it is and the previous output repeats (zeros
    /// before the first), as in Keras; they cost nothing, and their input is not read. It replaces
    /// [`lengths`](Unroll::lengths).
    ///
    /// ```
    /// use unspool_nn::rng;
    /// use unspool_nn::cells::Gru;
    /// use unspool_nn::recurrent::Recurrent;
    /// use unspool_autograd::{Tape, Tensor};
    /// let layer = Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 1, 4));
    /// let tape = Tape::new();
    /// let xs = tape.constant(&Tensor::from_vec(vec![0.5, f32::NAN, 0.7], [3, 1, 1]));
    /// let mask = Tensor::from_vec(vec![1.0, 0.0, 1.0], [3, 1]);
    /// let output = tape.bind(&layer).unroll(xs).mask(&mask).run();
    /// assert_eq!(output.steps()[1].value(), output.steps()[0].value());
    /// ```
    pub fn mask(self, mask: &'a Tensor<T>) -> Self {
        Unroll { valid: Valid::Mask(mask), ..self }
    }

    /// Sets training or evaluation, for cells with dropout; evaluation by default.
    pub fn mode(self, mode: Mode) -> Self {
        Unroll { mode, ..self }
    }

    /// Runs the layer over all time steps.
    ///
    /// # Panics
    /// If the input is not a sequence `[T, B, F]` of at least one step, or the state, the lengths
    /// or the mask do not fit it.
    #[track_caller]
    pub fn run(self) -> RecurrentOutput<'t, T, C::State> {
        let (cell, shape) = (&self.layer.cell, self.xs.shape());
        let (time, batch) = match shape[..] {
            [time, batch, _] if time > 0 => (time, batch),
            _ => panic!("Recurrent: the input must be [T, B, F] with at least one time step, not {shape}"),
        };
        let packing = Packing::new(time, batch, self.valid, self.layer.reverse);
        let mut projection = Projection::new(cell, &packing, packing.pack(self.xs));
        // Not `unwrap_or_else`: a closure would hide the caller's line from a panic in the cell.
        let mut state = match self.state {
            Some(state) => state,
            None => cell.zero_state(batch),
        };
        check_state("Recurrent: the state", &state, batch);
        if packing.is_packed() {
            state = state.map(&mut |var| packing.sort(var));
        }
        // Steps before the first valid one repeat the initial state.
        let initial = packing.repeats().then(|| state.clone());
        let (mut outputs, mut states) = (Vec::with_capacity(time), Vec::with_capacity(time));
        let mut stepper = Stepper::new(cell, self.xs.tape(), self.mode);
        let (mut ended, mut running) = (Vec::new(), batch);
        for (t, rows) in packing.steps.iter().enumerate() {
            let input = projection.input(t);
            // The longest sequences come first, so those that have ended are the last rows of the
            // state. They are set aside; the cell sees a smaller batch from here on.
            if rows.len() < running {
                ended.push(state.map(&mut |var| var.slice(0, rows.len()..)));
                state = state.map(&mut |var| var.slice(0, ..rows.len()));
                running = rows.len();
            }
            let output;
            (output, state) = stepper.step(t, input, state);
            outputs.push(output);
            states.push(state.clone());
        }
        projection.release();
        if packing.is_packed() {
            // The shortest sequences ended first: reversed, the pieces are in sorted order again.
            ended.push(state);
            ended.reverse();
            state = C::State::join(&ended, &mut |vars| packing.unsort(Var::concat(0, vars)));
        }
        RecurrentOutput { outputs, states, initial, state, packing, return_sequences: self.layer.return_sequences }
    }
}
