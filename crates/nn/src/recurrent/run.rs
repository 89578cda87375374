//! The loop over time.

use crate::context::Context;
use crate::layers::layer::Layer;
use crate::messages::RETURN_SEQUENCES;
use crate::recurrent::cell::Cell;
use crate::recurrent::checkpointing::Segments;
use crate::recurrent::collected::Collected;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::output::RecurrentOutput;
use crate::recurrent::packing::Packing;
use crate::recurrent::sequence_layer::SequenceLayer;
use crate::recurrent::state::State;
use crate::recurrent::step::{Projection, Stepper, check_state, links};
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

    #[track_caller]
    fn apply_converted(&self, xs: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
        self.run(xs, None, if self.return_sequences { cx } else { cx.without_sequence() }).into()
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> SequenceLayer<'t, T> for Recurrent<C> {
    type State = C::State;

    #[track_caller]
    #[inline(never)]
    fn run(&self, xs: Var<'t, T>, state: Option<C::State>, cx: Context<'_>) -> Self::Output {
        let (cell, shape) = (&self.cell, xs.shape());
        let (time, batch) = match shape[..] {
            [time, batch, _] if time > 0 => (time, batch),
            _ => {
                let _scope = xs.tape().layer_scope(self);
                let cure = if shape.rank() == 2 { RETURN_SEQUENCES } else { "" };
                fail!("Recurrent: the input must be [T, B, F] with at least one time step, not {shape}{cure}")
            }
        };
        let scope = xs.tape().layer_scope(cell);
        let packing = Packing::new(time, batch, cx.valid, self.reverse);
        let packed = packing.pack(xs);
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
        let links = links(&packing.steps);
        let segments = |setting| Segments::new(xs.tape(), setting, links.clone().count());
        // A tape that is looked at has all steps.
        let kept = xs.tape().keeps_all();
        let mut segments = self.checkpointing.filter(|_| !kept).map(segments);
        let mut steps = Collected::new(time, !cx.only_last, !cx.only_last && segments.is_none());
        let mut stepper = Stepper::new(cell, xs.tape(), cx.mode);
        let (mut running, mut unrolls) = (batch, !kept);
        let begin = xs.tape().len();
        for link in links {
            let since = if cx.only_last { begin } else { xs.tape().len() };
            if let Some(segments) = &mut segments {
                segments.begin_link();
            }
            let (first, count) = (steps.len(), link.len());
            scope.step(None);
            let projection = Projection::new(cell, &packing, packed, link.clone());
            stepper.note_projection(&projection);
            let mut todo = link;
            while !todo.is_empty() {
                let step = packing.steps.rows(todo.start);
                // The longest sequences come first, so those that have ended are the last rows of
                // the state. They are set aside; the cell sees a smaller batch from here on.
                let rows = step.len();
                if rows < running {
                    steps.end_rows(&state, rows);
                    state = state.map(&mut |var| var.slice(0, ..rows));
                    running = rows;
                }
                let mut unrolled = None;
                if unrolls {
                    let equal = todo.clone().take_while(|&step| packing.steps.rows(step).len() == rows).count();
                    let (steps, begin) = (todo.start..todo.start + equal, xs.tape().len());
                    unrolled = stepper.unroll(projection.inputs(&packing, steps), state.clone());
                    unrolls = unrolled.is_some();
                    if !unrolls {
                        // A view would keep the projected rows.
                        xs.tape().release(begin..xs.tape().len(), &[]);
                    }
                }
                match unrolled {
                    Some((count, unrolled)) => {
                        state = unrolled.state;
                        steps.push_all(unrolled.outputs, unrolled.states);
                        todo.start += count;
                    }
                    None => {
                        let output;
                        scope.step(packing.time(todo.start));
                        (output, state) = stepper.step(todo.start, projection.input(&step), state);
                        steps.push(output, &state);
                        todo.start += 1;
                    }
                }
            }
            projection.release();
            // In evaluation there is no backward pass to make anything again for.
            segments = segments.filter(|_| steps.need_gradient());
            match &mut segments {
                Some(segments) => {
                    steps.keep(first);
                    segments.end_link(count, &state);
                }
                None => steps.tidy(first, since, &mut state),
            }
        }
        if segments.take().is_some() {
            steps.keep_latest();
        }
        stepper.remark(&packing);
        let (state, last) = steps.finish(state, &packing);
        let Collected { outputs, states, .. } = steps;
        RecurrentOutput { outputs, states, initial, last, state, packing, return_sequences: self.return_sequences }
    }
}
