//! Freeing values that nothing reads any more.

use super::node::Node;
use super::{Tape, Var};
use crate::clock::Instant;
use std::ops::Range;
use unspool_tensor::Scalar;

impl<T: Scalar> Tape<T> {
    /// Frees the elements of the values `made`, a range of the tape's [lengths](Tape::len), except
    /// `kept` and those that gradient rules will read. The memory is reused while it is still in
    /// cache, and a long sequence needs a fraction of it.
    ///
    /// [`Recurrent`](https://docs.rs/unspool-nn) calls this after each step of a cell: only its
    /// output and its state are seen from outside.
    ///
    /// A released variable keeps its shape and its gradient, a released constant neither. Reading
    /// the value of either panics; [`retain_grad`](Var::retain_grad) keeps the value, too.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::scalar(3.0));
    /// let since = tape.len();
    /// let sum = x + x; // no gradient rule reads it: that of `tanh` reads its value
    /// let y = sum.tanh();
    /// tape.release(since..tape.len(), &[y]);
    /// assert_eq!(y.item(), 6f64.tanh());
    /// assert_eq!(y.backward().wrt(x).item(), 2.0 * (1.0 - 6f64.tanh().powi(2)));
    /// ```
    ///
    /// # Panics
    /// If a variable to be kept belongs to another tape.
    #[track_caller]
    #[inline(never)]
    pub fn release(&self, made: Range<usize>, kept: &[Var<'_, T>]) {
        let record = &mut *self.record.borrow_mut();
        let since = made.start;
        let end = made.end.min(record.nodes.len());
        // A gradient that is recorded later reads everything.
        if T::NESTS || since >= end || record.is_watched() && record.keeps_all() {
            return;
        }
        let is_watched = record.is_watched();
        let begun = is_watched.then(Instant::now);
        let mut needed = std::mem::take(&mut record.needed);
        needed.clear();
        needed.resize(end - since, false);
        let mut mark = |id: u32| {
            if let Some(needed) = (id as usize).checked_sub(since).and_then(|i| needed.get_mut(i)) {
                *needed = true;
            }
        };
        for var in kept {
            ensure!(std::ptr::eq(var.tape, self), "release: a variable to be kept belongs to another tape");
            record.check_epoch("release", *var);
            mark(var.id());
        }
        // Ops recorded after the range may read it, too.
        let mut only_constants = true;
        for id in since..record.nodes.len() {
            let node = record.nodes[id];
            only_constants &= !node.needs_gradient();
            if node.saves().output || node.is(Node::RETAINED) {
                mark(id as u32);
            }
            if node.saves().inputs {
                record.inputs_of(id as u32).iter().for_each(|&id| mark(id));
            }
        }
        let segments = record.segments.first_ending_after(since);
        if segments.is_some() {
            // A segment that is made again reads all inputs of its ops.
            for segment in record.segments.beginning_after(since, record.nodes.len()) {
                for id in segment.clone() {
                    let before = record.inputs_of(id as u32).iter().filter(|&&id| (id as usize) < segment.start);
                    before.for_each(|&id| mark(id));
                }
            }
        }
        let only_constants = only_constants && segments.is_none();
        record.segments.released(record.nodes.len(), since, end);
        for (id, _) in (since..end).zip(&needed).filter(|(_, needed)| !**needed) {
            let node = &mut record.nodes[id];
            // Inside a segment, no op can make a leaf again.
            let is_read_again = node.is_leaf() && segments.is_some_and(|start| id >= start);
            if !(node.is(Node::RELEASED) || is_read_again) {
                node.set(Node::RELEASED);
                if is_watched {
                    let bytes = record.computed_bytes(id as u32);
                    record.profiler().freed(bytes);
                }
                // Gradient rules read shapes; where there are only constants, there is no rule.
                match only_constants {
                    true => record.values[id] = record.empty.clone(),
                    false => record.hollow_out(id as u32),
                }
            }
        }
        record.needed = needed;
        if let Some(begun) = begun {
            record.end_release(begun);
        }
    }
}
