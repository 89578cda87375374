//! Gradient checkpointing of the loop over time.

use crate::recurrent::schedule::Schedule;
use crate::recurrent::state::State;
use std::ops::Range;
use unspool_autograd::{Recomputable, Scalar, Tape, Var};

/// How much of a recurrent layer's steps the tape keeps for the backward pass; the rest is made
/// again. Values, gradients and masks are the same, bit for bit.
///
/// Steps are dropped and made again in groups, those of one projection of the inputs: some 256
/// rows, so 256 steps of one sequence, or 16 of 16.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::Checkpointing;
/// let stored = Recurrent::new(Lstm::<Tensor>::new(&mut rng(0), 1, 8));
/// let xs = Tensor::from_fn([5000, 1, 1], |i| (i as f32 * 0.1).sin());
/// let gradient = |layer: &Recurrent<Lstm<Tensor>>| {
///     let tape = Tape::new();
///     let net = tape.bind(layer);
///     let output = net.apply(tape.constant(&xs), Context::default().without_sequence());
///     output.last().square().sum().backward().of(&net).cell.u
/// };
/// let every = stored.clone().checkpointing(Checkpointing::every(500));
/// let budget = stored.clone().checkpointing(Checkpointing::budget(1 << 20));
/// assert_eq!(gradient(&every), gradient(&stored));
/// assert_eq!(gradient(&budget), gradient(&stored));
/// ```
///
/// Gruslys, Munos, Danihelka, Lanctot and Graves 2016, "Memory-efficient backpropagation through
/// time".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpointing(Setting);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    Every(usize),
    Budget(usize),
}

impl Checkpointing {
    /// Keeps a state every `steps` steps (rounded up to whole groups), and makes as many steps
    /// again at a time, each once.
    ///
    /// # Panics
    /// If `steps` is 0.
    #[track_caller]
    pub fn every(steps: usize) -> Self {
        ensure!(steps > 0, "Checkpointing: a state every 0 steps; the number must be at least 1");
        Checkpointing(Setting::Every(steps))
    }

    /// Keeps at most `bytes` bytes of values of a layer, besides its inputs, and, if they are read,
    /// its outputs. The library picks the schedule that makes the fewest steps again: the longer
    /// the sequence and the smaller the budget, the more often.
    ///
    /// Not counted are the tape's records, some 760 bytes a step of an LSTM, whatever its size and the
    /// batch.
    ///
    /// A layer panics if the budget is less than one group of its steps needs; the sentence states
    /// the least budget.
    pub fn budget(bytes: usize) -> Self {
        Checkpointing(Setting::Budget(bytes))
    }

    /// The schedule for `links` groups, the first of `steps` steps.
    #[track_caller]
    fn schedule(self, links: usize, steps: usize, link: usize, state: usize) -> Schedule {
        match self.0 {
            Setting::Every(k) => Schedule { leaf: k.div_ceil(steps), snapshots: links },
            Setting::Budget(budget) => {
                let Some(schedule) = Schedule::within(budget, links, link, state) else {
                    let least = Schedule::least_budget(link, state);
                    fail!(
                        "Recurrent: a checkpointing budget of {budget} bytes is too small; the least is {least}: {link} for what {steps} steps at a time compute, {state} for the state before them"
                    );
                };
                schedule
            }
        }
    }
}

/// The segments of a loop over time, opened and closed as it runs.
pub(super) struct Segments<'t, T: Scalar> {
    tape: &'t Tape<T>,
    checkpointing: Checkpointing,
    _recomputable: Recomputable<'t, T>,
    /// The length of the tape before each link.
    starts: Vec<usize>,
    links: usize,
    /// The segments that have not ended yet, the next one last, and the first link of the last
    /// leaf. `None` before the end of the first link, which shows how much a link keeps.
    plan: Option<(Vec<Range<usize>>, usize)>,
    kept: Vec<Var<'t, T>>,
}

impl<'t, T: Scalar> Segments<'t, T> {
    pub(super) fn new(tape: &'t Tape<T>, checkpointing: Checkpointing, links: usize) -> Self {
        let (starts, kept) = (Vec::with_capacity(links), Vec::new());
        Segments { tape, checkpointing, _recomputable: tape.recomputable(), starts, links, plan: None, kept }
    }

    /// Before a link is computed.
    pub(super) fn begin_link(&mut self) {
        self.starts.push(self.tape.len());
    }

    /// After a link of `steps` steps, of which `state` remains.
    #[track_caller]
    pub(super) fn end_link<S: State<'t, T>>(&mut self, steps: usize, state: &S) {
        self.kept.clear();
        state.visit(&mut |var| self.kept.push(var));
        let end = self.starts.len();
        if self.plan.is_none() {
            let link = self.tape.bytes(self.starts[0]..self.tape.len());
            let state = self.kept.iter().map(|var| var.shape().numel() * size_of::<T>()).sum();
            let schedule = self.checkpointing.schedule(self.links, steps, link, state);
            let mut segments = schedule.segments(self.links);
            let last_leaf = segments.last().map_or(0, |segment| segment.end);
            segments.reverse();
            self.plan = Some((segments, last_leaf));
        }
        let (segments, last_leaf) = self.plan.as_mut().expect("made above");
        while let Some(segment) = segments.pop_if(|segment| segment.end == end) {
            self.tape.close_segment(self.starts[segment.start]..self.tape.len(), &self.kept, true);
        }
        // The backward pass begins with the last leaf, whose values are there, and frees them.
        if end == self.links && *last_leaf > 0 {
            self.tape.close_segment(self.starts[*last_leaf]..self.tape.len(), &self.kept, false);
        }
    }
}
