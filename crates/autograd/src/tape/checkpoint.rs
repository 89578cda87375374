//! Gradient checkpointing: values that are dropped, and made again when the backward pass needs
//! them.
//!
//! A segment is a range of ids. Its values are dropped, its nodes and ops stay. Before the backward
//! pass enters the range from its end, the recorded ops run again in order; when the pass leaves it
//! at its start, the values are dropped again. The code that made the segment runs once: the second
//! time, the tape repeats what it recorded, with the same bits.

use super::accumulator::Accumulator;
use super::node::Node;
use super::op::Inputs;
use super::record::Record;
use super::{Tape, Var};
use crate::clock::Instant;
use std::ops::Range;
use unspool_tensor::{Scalar, Tensor};

/// A range of ids whose values are made again in the backward pass.
#[derive(Clone, Copy)]
pub(super) struct Segment {
    start: u32,
    end: u32,
    /// Where the ids of the values that outlive the segment begin in the record's list, and where
    /// they end.
    kept: (u32, u32),
    /// The number of segments inside.
    inside: u32,
    is_dropped: bool,
}

/// A call of [`Tape::release`] inside a segment, to be repeated when its values are made again.
#[derive(Clone, Copy)]
pub(super) struct Release {
    /// The length of the tape when it was called.
    at: u32,
    start: u32,
    end: u32,
}

/// What a tape knows of its segments.
#[derive(Default)]
pub(super) struct Segments {
    /// In the order in which they were closed, so those inside another come before it.
    closed: Vec<Segment>,
    kept: Vec<u32>,
    releases: Vec<Release>,
    /// Where those begin that are still open.
    open: Vec<u32>,
    /// The number of values that backward passes have made again.
    recomputed: usize,
}

impl Segments {
    /// Whether what is recorded now may be made again: then the ops of constants are recorded, too.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The number of values that backward passes have made again.
    pub(super) fn recomputed(&self) -> usize {
        self.recomputed
    }

    pub(super) fn clear(&mut self) {
        self.closed.clear();
        self.kept.clear();
        self.releases.clear();
        self.recomputed = 0;
    }

    /// Whether a closed segment has values on both sides of a length of the tape.
    pub(super) fn cross(&self, since: usize) -> bool {
        let ending_after = self.closed.iter().rev().take_while(|s| s.end as usize > since);
        ending_after.into_iter().any(|s| (s.start as usize) < since)
    }

    /// Forgets the segments from value `since` on, which none crosses: their ids are used again.
    pub(super) fn truncate(&mut self, since: u32) {
        self.closed.truncate(self.closed.partition_point(|s| s.end <= since));
        self.kept.truncate(self.closed.last().map_or(0, |s| s.kept.1 as usize));
        self.releases.truncate(self.releases.partition_point(|r| r.at <= since));
    }

    /// From which value on there may be leaves that a replay reads: the start of the first segment,
    /// open or closed, that ends after value `since`.
    pub(super) fn first_ending_after(&self, since: usize) -> Option<usize> {
        let closed = self.closed.iter().rev().take_while(|s| s.end as usize > since).map(|s| s.start as usize);
        closed.chain(self.open.iter().map(|&start| start as usize)).min()
    }

    /// Notes a release of the values `start..end` on a tape of length `at`.
    pub(super) fn released(&mut self, at: usize, start: usize, end: usize) {
        if self.is_open() {
            self.releases.push(Release { at: at as u32, start: start as u32, end: end as u32 });
        }
    }

    /// The segments, open and closed, that begin after value `since` on a tape of length `len`:
    /// when they are made again, they read values before their start.
    pub(super) fn beginning_after(&self, since: usize, len: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let closed = self.closed.iter().rev().map(|s| s.start as usize..s.end as usize);
        let open = self.open.iter().map(move |&start| start as usize..len);
        closed.take_while(move |s| s.end > since).chain(open).filter(move |s| s.start > since)
    }
}

/// While it lives, what its tape records can be made again.
///
/// ```
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.variable(&Tensor::scalar(0.5f32));
/// let recomputable = tape.recomputable();
/// let start = tape.len();
/// let y = x.tanh().tanh().tanh();
/// tape.close_segment(start..tape.len(), &[y], true);  // keeps the last of the three
/// drop(recomputable);
/// assert!(y.backward().wrt(x).item() > 0.0);
/// ```
#[derive(Debug)]
pub struct Recomputable<'t, T: Scalar> {
    tape: &'t Tape<T>,
}

impl<T: Scalar> Drop for Recomputable<'_, T> {
    fn drop(&mut self) {
        self.tape.record.borrow_mut().segments.open.pop();
    }
}

/// # Gradient checkpointing
impl<T: Scalar> Tape<T> {
    /// Runs `segment` and keeps none of the values it computes except those it returns: the
    /// backward pass makes them again when it needs them, and drops them after that. Memory for
    /// time, as JAX's and PyTorch's `checkpoint`; segments may be nested.
    ///
    /// `segment` runs once. The backward pass repeats the ops that the tape recorded, on the same
    /// values: the gradients have the same bits as without checkpointing, whatever the function
    /// captures, draws at random or counts. What stays of a dropped value is its record, some 45
    /// bytes.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![0.5, -0.3], [2]));
    /// let mut h = x;
    /// for _ in 0..10 {
    ///     // Of 100 values of tanh, the tape keeps the last.
    ///     [h] = tape.checkpoint(|| {
    ///         let mut y = h;
    ///         for _ in 0..100 {
    ///             y = (y * 1.1).tanh();
    ///         }
    ///         [y]
    ///     });
    /// }
    /// let gradient = h.sum().backward().wrt(x);
    /// # let plain = (0..1000).fold(x, |y, _| (y * 1.1).tanh());
    /// # assert_eq!(gradient, plain.sum().backward().wrt(x));
    /// ```
    ///
    /// Values computed inside that are not returned cannot be read outside: that panics. A value
    /// with [`retain_grad`](Var::retain_grad) is kept, and so is a tensor that is put on the tape
    /// inside.
    ///
    /// Chen, Xu, Zhang and Guestrin 2016, "Training deep nets with sublinear memory cost".
    ///
    /// # Panics
    /// If a returned variable belongs to another tape. In the backward pass, if a returned value is
    /// another one when it is made again: an op of yours must compute the same of the same inputs.
    #[track_caller]
    pub fn checkpoint<'t, R: AsRef<[Var<'t, T>]>>(&'t self, segment: impl FnOnce() -> R) -> R {
        let _recomputable = self.recomputable();
        let start = self.len();
        let kept = segment();
        self.close_segment(start..self.len(), kept.as_ref(), true);
        kept
    }

    /// From now on until the guard is dropped, the tape records what it needs to make values again:
    /// the ops of constants, too. Ranges recorded meanwhile may be passed to
    /// [`close_segment`](Tape::close_segment).
    pub fn recomputable(&self) -> Recomputable<'_, T> {
        let mut record = self.record.borrow_mut();
        let start = record.nodes.len() as u32;
        record.segments.open.push(start);
        Recomputable { tape: self }
    }

    /// Makes the values `made`, a range of the tape's [lengths](Tape::len) that ends now, a segment
    /// of which only `kept` is kept: what [`checkpoint`](Tape::checkpoint) does, for loops whose
    /// segments overlap with their structure. With `drop_now` false, the values stay until a
    /// backward pass has read them.
    ///
    /// # Panics
    /// If the range does not end at the end of the tape, or was not
    /// [recorded for it](Tape::recomputable), or crosses the boundary of another segment; if a
    /// variable to be kept belongs to another tape.
    #[track_caller]
    #[inline(never)]
    pub fn close_segment(&self, made: Range<usize>, kept: &[Var<'_, T>], drop_now: bool) {
        let record = &mut *self.record.borrow_mut();
        for var in kept {
            ensure!(std::ptr::eq(var.tape, self), "checkpoint: a returned variable belongs to another tape");
            record.check_epoch("checkpoint", *var);
        }
        if made.is_empty() || T::NESTS {
            return; // nothing to make again, or a gradient that is recorded later reads everything
        }
        let recorded_since = record.segments.open.first().map_or(usize::MAX, |&start| start as usize);
        ensure!(made.start >= recorded_since, "close_segment: the range was not recorded as recomputable");
        ensure!(made.end == record.nodes.len(), "close_segment: a segment ends where the tape ends");
        let crosses = |s: &Segment| (s.start as usize) < made.start && made.start < s.end as usize;
        ensure!(
            !record.segments.closed.last().is_some_and(crosses),
            "close_segment: the segment crosses the boundary of another"
        );
        let first_kept = record.segments.kept.len() as u32;
        for var in kept {
            record.segments.kept.push(var.id());
        }
        record.segments.kept[first_kept as usize..].sort_unstable();
        let closed = &record.segments.closed;
        let mut first = closed.len();
        while first > 0 && closed[first - 1].start as usize >= made.start {
            first -= 1 + closed[first - 1].inside as usize;
        }
        let inside = (closed.len() - first) as u32;
        let segment = Segment {
            start: made.start as u32,
            end: made.end as u32,
            kept: (first_kept, record.segments.kept.len() as u32),
            inside,
            is_dropped: false,
        };
        record.segments.closed.push(segment);
        if drop_now {
            drop_values(record, record.segments.closed.len() - 1);
        }
    }

    /// Keeps the value of a variable for good, whatever segment it is computed in: for the outputs
    /// of a loop.
    ///
    /// # Panics
    /// If the variable belongs to another tape.
    #[track_caller]
    pub fn keep(&self, var: Var<'_, T>) {
        ensure!(std::ptr::eq(var.tape, self), "keep: the variable belongs to another tape");
        self.record.borrow().check_epoch("keep", var);
        self.record.borrow_mut().nodes[var.id() as usize].set(Node::KEPT);
    }

    /// The number of values that backward passes over this tape have made again.
    pub fn recomputed(&self) -> usize {
        self.record.borrow().segments.recomputed
    }
}

/// Drops the values of segment number `at`, except those that are kept.
fn drop_values<T: Scalar>(record: &mut Record<T>, at: usize) {
    let segment = record.segments.closed[at];
    // Segments inside have dropped theirs already, except what they kept.
    let first = at - segment.inside as usize;
    let mut end = segment.end;
    let mut next = at;
    while next > first {
        let child = record.segments.closed[next - 1];
        if child.is_dropped {
            (child.end..end).for_each(|id| drop_value(record, segment, id));
            for i in child.kept.0..child.kept.1 {
                let kept = record.segments.kept[i as usize];
                if kept >= child.start {
                    drop_value(record, segment, kept);
                }
            }
            end = child.start;
            next -= 1 + child.inside as usize;
        } else {
            record.segments.closed[next - 1].is_dropped = true;
            next -= 1;
        }
    }
    (segment.start..end).for_each(|id| drop_value(record, segment, id));
    for i in segment.kept.0..segment.kept.1 {
        record.compact(record.segments.kept[i as usize]);
    }
    record.packed.drop_copies(segment.start..segment.end);
    record.segments.closed[at].is_dropped = true;
}

/// Drops a value of a segment unless the segment keeps it.
fn drop_value<T: Scalar>(record: &mut Record<T>, segment: Segment, id: u32) {
    let node = &mut record.nodes[id as usize];
    let kept = &record.segments.kept[segment.kept.0 as usize..segment.kept.1 as usize];
    let stays = node.is_leaf() || node.is(Node::RETAINED | Node::KEPT) || kept.binary_search(&id).is_ok();
    // What was released after the segment had ended is released once more after a replay.
    if !node.is(Node::RELEASED) {
        if stays || node.is(Node::DROPPED) {
            return;
        }
        node.set(Node::DROPPED);
    }
    if record.is_watched() {
        let bytes = record.computed_bytes(id);
        record.profiler().freed(bytes);
    }
    record.hollow_out(id);
}

/// Whether two tensors of one shape have the same elements; NaN is NaN.
fn same_numbers<T: Scalar>(a: &Tensor<T>, b: &Tensor<T>) -> bool {
    let (a, b) = (a.contiguous(), b.contiguous());
    let mut pairs = a.as_slice().into_iter().flatten().zip(b.as_slice().into_iter().flatten());
    pairs.all(|(a, b)| a == b || (a.to_f64().is_nan() && b.to_f64().is_nan()))
}

/// Makes the values of segment number `at` again.
fn recompute<T: Scalar>(record: &mut Record<T>, at: usize) {
    let segment = record.segments.closed[at];
    let mut children = (at - segment.inside as usize..at).peekable();
    let mut release = record.segments.releases.partition_point(|r| r.at <= segment.start);
    let is_watched = record.is_watched();
    for id in segment.start..segment.end {
        let node = record.nodes[id as usize];
        let (is_absent, kept) = (node.is_absent(), segment.kept.0 as usize..segment.kept.1 as usize);
        if !node.is_leaf() && (is_absent || record.segments.kept[kept].binary_search(&id).is_ok()) {
            let begun = is_watched.then(Instant::now);
            let ids = record.inputs_of(id);
            let inputs = Inputs { values: &record.values, ids, packed: &record.packed };
            let value = record.ops.forward(node.op(), inputs);
            let (name, before) = (record.ops.name(node.op()), &record.values[id as usize]);
            // What was kept is what the gradients so far are of.
            let same = value.shape() == before.shape() && (is_absent || same_numbers(&value, before));
            ensure!(
                same,
                "checkpoint: made again, the value of {name} {} is another, {}; an op must compute the same of the same inputs whenever it runs",
                before.shape(),
                value.shape()
            );
            if is_absent {
                record.values[id as usize] = value;
                record.nodes[id as usize].unset(Node::DROPPED);
                record.segments.recomputed += 1;
            }
            if let Some(begun) = begun {
                record.end_replay(id, begun);
            }
        }
        while let Some(&Release { start, end, .. }) =
            record.segments.releases.get(release).filter(|release| release.at == id + 1)
        {
            for id in start.max(segment.start)..end {
                if record.nodes[id as usize].is(Node::RELEASED) {
                    record.hollow_out(id);
                }
            }
            release += 1;
        }
        while let Some(child) = children.next_if(|&child| record.segments.closed[child].end == id + 1) {
            // One that ends here is needed at once.
            if id + 1 == segment.end {
                record.segments.closed[child].is_dropped = false;
            } else {
                drop_values(record, child);
            }
        }
    }
    record.segments.closed[at].is_dropped = false;
}

/// The segments that a backward pass goes through, from the last to the first.
pub(super) struct Pass {
    /// The number of segments that the pass has not reached yet.
    ahead: usize,
    /// Those whose values are there now; the innermost is the last.
    entered: Vec<usize>,
}

impl Pass {
    pub(super) fn over<T: Scalar>(record: &Record<T>) -> Self {
        Pass { ahead: record.segments.closed.len(), entered: Vec::new() }
    }

    /// Before the values below `end`: makes those of the segments that end there again. Returns down
    /// to which value no segment begins or ends.
    /// A segment that no gradient has reached stays dropped.
    pub(super) fn enter<T: Scalar>(&mut self, record: &mut Record<T>, gradients: &Accumulator<T>, end: u32) -> u32 {
        while self.ahead > 0 && record.segments.closed[self.ahead - 1].end >= end {
            self.ahead -= 1;
            let segment = record.segments.closed[self.ahead];
            if segment.start < end {
                if segment.is_dropped && gradients.reach(segment.start..end) {
                    recompute(record, self.ahead);
                }
                self.entered.push(self.ahead);
            }
        }
        let starts = self.entered.last().map_or(0, |&at| record.segments.closed[at].start);
        let ends = self.ahead.checked_sub(1).map_or(0, |at| record.segments.closed[at].end);
        starts.max(ends)
    }

    /// After the values from `start` on: drops those of the segments that begin there.
    pub(super) fn leave<T: Scalar>(&mut self, record: &mut Record<T>, start: u32) {
        while let Some(at) = self.entered.pop_if(|&mut at| record.segments.closed[at].start == start) {
            if !record.segments.closed[at].is_dropped {
                drop_values(record, at);
            }
        }
    }
}
