//! Sequences side by side, to be cut into windows.

use super::error::FitError;
use crate::context::Context;
use crate::data::error::DataError;
use crate::data::examples::{Examples, OnTape};
use crate::data::parts::NotFinite;
use crate::text::bptt_batches;
use std::ops::Range;
use unspool_autograd::{Indices, Scalar, Tape};

/// Inputs and targets `[L, B, ..]`.
pub(super) struct Sequences<X, Y> {
    pub x: X,
    pub y: Y,
    /// The number of time steps.
    pub length: usize,
    /// The number of sequences.
    pub count: usize,
}

impl Sequences<Indices, Indices> {
    #[track_caller]
    pub fn of_tokens(tokens: &[usize], batch_size: usize) -> Result<Self, DataError> {
        let mut whole = bptt_batches(tokens, batch_size, usize::MAX)?;
        let whole = whole.next().expect("a text that is long enough has a batch");
        Sequences::new(whole.inputs, whole.targets)
    }
}

impl<X: Examples, Y: Examples> Sequences<X, Y> {
    pub fn new(x: X, y: Y) -> Result<Self, DataError> {
        let (xs, ys) = (x.describe(), y.describe());
        let size = |of: (Option<usize>, Option<usize>)| of.0.zip(of.1).filter(|&(length, count)| length * count > 0);
        match (size((x.time(), x.examples())), size((y.time(), y.examples()))) {
            (Some(size), Some(of_targets)) if size == of_targets && x.has_steps(size.0) && y.has_steps(size.0) => {
                let (length, count) = size;
                Ok(Sequences { x, y, length, count })
            }
            _ => Err(DataError::new(format!(
                "inputs {xs} and targets {ys} must be as many sequences of the same length: {} and {}",
                X::AXES[1],
                Y::AXES[1]
            ))),
        }
    }

    /// The time steps of a window.
    pub fn window(&self, window: usize, steps: usize) -> Range<usize> {
        window * steps..self.length.min((window + 1) * steps)
    }

    /// Some time steps of some of the sequences.
    pub fn cut(&self, steps: Range<usize>, sequences: Range<usize>) -> Self {
        let (length, count) = (steps.len(), sequences.len());
        let x = self.x.steps(steps.clone()).slice(sequences.clone()).contiguous();
        Sequences { x, y: self.y.steps(steps).slice(sequences).contiguous(), length, count }
    }

    /// The targets on a tape.
    pub fn targets<'t, T: Scalar>(&self, tape: &'t Tape<T>) -> Y::Bound<'t>
    where
        Y: OnTape<T>,
    {
        self.y.bind(tape, Context::default())
    }

    /// Looks for a number that is not finite, in a window of one sequence for which `is_bad` holds:
    /// the first of each of at most `limit` inputs and targets.
    ///
    /// # Errors
    /// If there is one.
    pub fn check(
        &self,
        set: &'static str,
        steps: usize,
        limit: usize,
        is_bad: impl Fn(&Self) -> bool,
    ) -> Result<(), FitError> {
        let of = |what, finite: bool, first: &dyn Fn(usize) -> Option<NotFinite>| {
            let sequences = 0..if finite { 0 } else { self.count };
            let found = sequences.filter_map(|i| first(i).map(|at| (what, i, at))).take(limit);
            found.collect::<Vec<_>>()
        };
        let mut suspects = of("input", self.x.is_finite(), &|i| self.x.not_finite(i, None));
        suspects.extend(of("target", self.y.is_finite(), &|i| self.y.not_finite(i, None)));
        let bad = suspects.into_iter().find(|(_, i, at)| {
            let window = self.window(at.step.unwrap_or_default() / steps, steps);
            is_bad(&self.cut(window, *i..i + 1))
        });
        let Some((what, example, NotFinite { step, feature, value })) = bad else { return Ok(()) };
        Err(FitError::Data { set, what, example, step, feature, value, history: None })
    }
}
