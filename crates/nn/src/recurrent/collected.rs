//! What a loop over time keeps of its steps.

use crate::recurrent::packing::{Packing, merge};
use crate::recurrent::state::State;
use unspool_autograd::{Scalar, Var};

/// The outputs and states of the steps of a layer, as far as they are read later.
pub(super) struct Collected<'t, T: Scalar, S> {
    /// The outputs of all steps, each one step's rows or those of several; none if only the last is
    /// read.
    pub(super) outputs: Vec<Var<'t, T>>,
    /// The states after all steps; none if they are not kept.
    pub(super) states: Vec<S>,
    keeps_outputs: bool,
    keeps_states: bool,
    /// The output of the latest step, or the last rows of several.
    latest: Option<Var<'t, T>>,
    /// The rows of sequences that have ended: their last output, and their state. The shortest
    /// sequences ended first.
    ended: Vec<(Option<Var<'t, T>>, S)>,
}

impl<'t, T: Scalar, S: State<'t, T>> Collected<'t, T, S> {
    pub(super) fn new(time: usize, keeps_outputs: bool, keeps_states: bool) -> Self {
        let outputs = Vec::with_capacity(if keeps_outputs { time } else { 0 });
        let states = Vec::with_capacity(if keeps_states { time } else { 0 });
        Collected { outputs, states, keeps_outputs, keeps_states, latest: None, ended: Vec::new() }
    }

    /// Adds what a step computed.
    pub(super) fn push(&mut self, output: Var<'t, T>, state: &S) {
        self.latest = Some(output);
        if self.keeps_outputs {
            self.outputs.push(output);
        }
        if self.keeps_states {
            self.states.push(state.clone());
        }
    }

    /// Adds what several steps computed at once: outputs `[K, B, H]` and states.
    pub(super) fn push_all(&mut self, outputs: Var<'t, T>, states: Option<S>) {
        if self.keeps_outputs {
            self.outputs.push(merge(outputs));
            self.latest = self.outputs.last().copied();
        } else {
            self.latest = Some(outputs.select(0, outputs.shape()[0] - 1));
        }
        match states {
            Some(states) if self.keeps_states => self.states.push(states.map(&mut merge)),
            _ => {}
        }
    }

    /// How many variables of outputs there are.
    pub(super) fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Sets aside the rows from `running` on, whose sequences have ended; `state` is that before the
    /// next step.
    pub(super) fn end_rows(&mut self, state: &S, running: usize) {
        let output = self.latest.filter(|_| !self.keeps_outputs).map(|output| output.slice(0, running..));
        self.ended.push((output, state.map(&mut |var| var.slice(0, running..))));
    }

    /// Calls `f` with each variable that outlives the steps, from number `first` on.
    fn visit(&self, first: usize, f: &mut dyn FnMut(Var<'t, T>)) {
        self.outputs.iter().skip(first).chain(&self.latest).for_each(|&var| f(var));
        self.states.iter().skip(first).for_each(|state| state.visit(f));
        for (output, state) in &self.ended {
            output.iter().for_each(|&var| f(var));
            state.visit(f);
        }
    }

    /// Keeps what outlives the steps from number `first` on, although it lies in a segment that is
    /// dropped.
    pub(super) fn keep(&self, first: usize) {
        let ended = self.ended.iter().flat_map(|(output, _)| output);
        for var in self.outputs.iter().skip(first).chain(ended) {
            var.tape().keep(*var);
        }
        for (_, state) in &self.ended {
            state.visit(&mut |var| var.tape().keep(var));
        }
    }

    /// Keeps the output of the last step, although it lies in the last segment.
    pub(super) fn keep_latest(&self) {
        self.latest.iter().for_each(|var| var.tape().keep(*var));
    }

    /// Whether a gradient reaches the steps.
    pub(super) fn need_gradient(&self) -> bool {
        self.latest.is_some_and(Var::requires_grad)
    }

    /// In evaluation, frees what the steps from number `first` on computed, since the tape had the
    /// length `since`, except what outlives them. Then memory does not grow with time.
    pub(super) fn tidy(&mut self, first: usize, since: usize, state: &mut S) {
        let Some(tape) = self.latest.filter(|_| !self.need_gradient()).map(Var::tape) else { return };
        let mut vars = Vec::new();
        self.visit(first, &mut |var| vars.push(var));
        state.visit(&mut |var| vars.push(var));
        tape.tidy_since(since, &mut vars);
        // The variables may have moved.
        let mut moved = vars.into_iter();
        let mut next = |_| moved.next().expect("as many as were visited");
        self.outputs.iter_mut().skip(first).chain(&mut self.latest).for_each(|var| *var = next(*var));
        self.states.iter_mut().skip(first).for_each(|state| *state = state.map(&mut next));
        for (output, state) in &mut self.ended {
            output.iter_mut().for_each(|var| *var = next(*var));
            *state = state.map(&mut next);
        }
        *state = state.map(&mut next);
    }

    /// The state after the last step of each sequence, in the order of the batch, and the last
    /// output if the others are not kept; `state` is that after the last step.
    pub(super) fn finish(&mut self, state: S, packing: &Packing) -> (S, Option<Var<'t, T>>) {
        let latest = self.latest.filter(|_| !self.keeps_outputs);
        if !packing.is_packed() {
            return (state, latest);
        }
        // Reversed, the pieces are in sorted order again.
        let mut pieces = vec![state];
        pieces.extend(self.ended.iter().rev().map(|(_, state)| state.clone()));
        let state = S::join(&pieces, &mut |vars| packing.unsort(Var::concat(0, vars)));
        let last = latest.map(|latest| {
            let ended = self.ended.iter().rev().map(|(output, state)| {
                // A sequence without steps has zeros.
                output.unwrap_or_else(|| {
                    let mut rows = 0;
                    state.visit(&mut |var| rows = var.shape()[0]);
                    latest.new_zeros(latest.shape().with(0, rows))
                })
            });
            let pieces: Vec<_> = [latest].into_iter().chain(ended).collect();
            packing.unsort(Var::concat(0, &pieces))
        });
        (state, last)
    }
}
