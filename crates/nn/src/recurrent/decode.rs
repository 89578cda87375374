//! Decoding: each input depends on the output before it.

use crate::mode::Mode;
use crate::recurrent::cell::Cell;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::output::RecurrentOutput;
use crate::recurrent::packing::Packing;
use crate::recurrent::step::{Input, Stepper, check_state};
use unspool_autograd::{Scalar, Var};

impl<C> Recurrent<C> {
    /// Runs `steps` steps from `state`, where each input, `[B, F]`, depends on the output before
    /// it: `first` is the first input, and `next(t, output)` returns that of step t + 1 from the
    /// output of step t. This is a decoder: if `next` returns targets it is teacher-forced, if it
    /// uses the outputs it runs freely, and it may switch from step to step.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// let rng = &mut rng(0);
    /// let layer = Recurrent::new(Gru::<Tensor>::new(rng, 1, 8));
    /// let head = Dense::<Tensor>::new(rng, 8, 1);
    /// let tape = Tape::new();
    /// let (net, head) = (tape.bind(&layer), tape.bind(&head));
    /// let targets = tape.constant(&Tensor::ones([10, 4, 1]));
    /// let (encoded, start) = (net.cell.zero_state(4), tape.constant(&Tensor::zeros([4, 1])));
    /// let mode = Mode::Training { seed: 5 };
    /// let decoded = net.decode(start, encoded, 10, mode, |t, output| {
    ///     let forced = mode.fold_in(t).bernoulli(0.5);
    ///     if forced { targets.select(0, t) } else { head.forward(output) }
    /// });
    /// assert_eq!(head.forward(decoded.sequence()).shape()[..], [10, 4, 1]);
    /// ```
    ///
    /// # Panics
    /// If there are no steps, or the state or an input does not fit the cell or the batch.
    #[track_caller]
    pub fn decode<'t, T: Scalar>(
        &self,
        first: Var<'t, T>,
        mut state: C::State,
        steps: usize,
        mode: Mode,
        mut next: impl FnMut(usize, Var<'t, T>) -> Var<'t, T>,
    ) -> RecurrentOutput<'t, T, C::State>
    where
        C: Cell<'t, T>,
    {
        ensure!(steps > 0, "decode: the number of steps is 0");
        let shape = first.shape();
        ensure!(shape.rank() == 2, "decode: the first input must be [B, F], not {shape}");
        let (mut input, batch) = (first, shape[0]);
        check_state("Recurrent: the state", &state, batch);
        let (mut outputs, mut states) = (Vec::with_capacity(steps), Vec::with_capacity(steps));
        let mut stepper = {
            let _scope = first.tape().layer_scope(&self.cell);
            Stepper::new(&self.cell, first.tape(), mode)
        };
        for t in 0..steps {
            if let Some(&output) = outputs.last() {
                input = next(t - 1, output);
            }
            // Not around `next`, which is the caller's.
            let scope = first.tape().layer_scope(&self.cell);
            scope.step(t);
            let output;
            (output, state) = stepper.step(t, Input::Raw(input), state);
            outputs.push(output);
            states.push(state.clone());
        }
        let packing = Packing::whole(steps, batch, false);
        stepper.remark(&packing);
        RecurrentOutput {
            outputs,
            states,
            initial: None,
            last: None,
            state,
            packing,
            return_sequences: self.return_sequences,
        }
    }
}
