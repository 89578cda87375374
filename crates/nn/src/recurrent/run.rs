//! The loop over time.

use crate::context::Context;
use crate::layers::layer::Layer;
use crate::recurrent::cell::Cell;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::output::RecurrentOutput;
use crate::recurrent::packing::Packing;
use crate::recurrent::sequence_layer::SequenceLayer;
use crate::recurrent::state::State;
use crate::recurrent::step::{Projection, Stepper, check_state};
use unspool_autograd::{Scalar, Var};

impl<'t, T: Scalar, C: Cell<'t, T>> Layer<'t, T> for Recurrent<C> {
    type Output = RecurrentOutput<'t, T, C::State>;

    /// # Panics
    /// If `xs` is not a sequence `[T, B, F]` of at least one step, or the lengths or the mask do
    /// not fit it.
    #[track_caller]
    fn apply(&self, xs: Var<'t, T>, cx: Context<'_>) -> Self::Output {
        self.run(xs, None, cx)
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> SequenceLayer<'t, T> for Recurrent<C> {
    type State = C::State;

    #[track_caller]
    fn run(&self, xs: Var<'t, T>, state: Option<C::State>, cx: Context<'_>) -> Self::Output {
        let (cell, shape) = (&self.cell, xs.shape());
        let (time, batch) = match shape[..] {
            [time, batch, _] if time > 0 => (time, batch),
            _ => panic!("Recurrent: the input must be [T, B, F] with at least one time step, not {shape}"),
        };
        let packing = Packing::new(time, batch, cx.valid, self.reverse);
        let mut projection = Projection::new(cell, &packing, packing.pack(xs));
        // Not `unwrap_or_else`: a closure would hide the caller's line from a panic in the cell.
        let mut state = match state {
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
        let mut stepper = Stepper::new(cell, xs.tape(), cx.mode);
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
        RecurrentOutput { outputs, states, initial, state, packing, return_sequences: self.return_sequences }
    }
}
