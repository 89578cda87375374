//! Packing: which rows of a batch of sequences each step computes.

use crate::context::Valid;
use crate::layers::masks::{check_lengths, check_mask};
use std::cmp::Reverse;
use std::ops::Range;
use unspool_autograd::{Indices, Scalar, Shape, Var};

/// The order in which a layer computes the rows of a batch of sequences: `[T, B, ..]`, seen as
/// `[T B, ..]`. Each step computes one range of rows.
///
/// Sequences with different numbers of valid steps are packed: sorted by length, the longest first,
/// without the steps that are not valid. The sequences still running at a step are then the first
/// rows of the state, and padding costs nothing.
#[derive(Clone, Debug)]
pub(crate) struct Packing {
    pub(crate) steps: Steps,
    reverse: bool,
    /// `None` if every step of every sequence is valid: rows then stay where they are.
    indices: Option<PackedIndices>,
}

/// The range of rows of each step, in the order in which the steps are computed.
#[derive(Clone, Debug)]
pub(crate) enum Steps {
    /// All rows of each time: no list, which would grow with time.
    Whole { time: usize, batch: usize, reverse: bool },
    /// The valid rows.
    Packed(Vec<Range<usize>>),
}

impl Steps {
    pub(crate) fn len(&self) -> usize {
        match self {
            Steps::Whole { time, .. } => *time,
            Steps::Packed(rows) => rows.len(),
        }
    }

    /// The rows of the step computed as number `s`.
    #[inline]
    pub(crate) fn rows(&self, s: usize) -> Range<usize> {
        match self {
            &Steps::Whole { time, batch, reverse } => {
                let t = if reverse { time - 1 - s } else { s };
                t * batch..(t + 1) * batch
            }
            Steps::Packed(rows) => rows[s].clone(),
        }
    }
}

/// How rows move into a packed batch of `N` rows and out of it again.
#[derive(Clone, Debug)]
struct PackedIndices {
    /// For each packed row, its row in the batch as given: `[N]`.
    source: Indices,
    /// For each position of the batch, the packed row of its output: `[T, B]`. At steps that are
    /// not valid it is `N`, a row of zeros; or, if outputs repeat, the row of the valid step
    /// before, and `N` plus the sorted index of the sequence if there is none.
    packed: Indices,
    /// For each sequence, the packed row of its last step, or `N` if it has none: `[B]`.
    last: Indices,
    /// For each sorted index, the sequence: `[B]`.
    order: Indices,
    /// For each sequence, its sorted index: `[B]`.
    rank: Indices,
    /// Whether outputs and states repeat at steps that are not valid: for a mask, not for lengths.
    repeats: bool,
}

impl Packing {
    /// The steps of sequences that are valid throughout.
    pub(crate) fn whole(time: usize, batch: usize, reverse: bool) -> Self {
        Packing { steps: Steps::Whole { time, batch, reverse }, reverse, indices: None }
    }

    /// # Panics
    /// If there is not one length per sequence, one is greater than `time`, or the mask is not
    /// `[T, B]`.
    #[track_caller]
    pub(crate) fn new(time: usize, batch: usize, valid: Valid<'_>, reverse: bool) -> Self {
        match valid {
            Valid::All => {}
            Valid::Lengths(lengths) => {
                check_lengths("Recurrent", lengths, time, batch);
                if lengths.iter().any(|&length| length < time) {
                    let at = |b: usize, s| if reverse { lengths[b] - 1 - s } else { s };
                    return Self::packed(time, lengths, at, reverse, false);
                }
            }
            Valid::Mask(mask) => {
                check_mask("Recurrent", mask, time, batch);
                let mask = mask.steps();
                let mut times: Vec<Vec<usize>> =
                    (0..batch).map(|b| (0..time).filter(|t| mask[t * batch + b]).collect()).collect();
                if reverse {
                    times.iter_mut().for_each(|times| times.reverse());
                }
                let lengths: Vec<usize> = times.iter().map(Vec::len).collect();
                if lengths.iter().any(|&length| length < time) {
                    return Self::packed(time, &lengths, |b, s| times[b][s], reverse, true);
                }
            }
        }
        Self::whole(time, batch, reverse)
    }

    /// Sequence b has `lengths[b]` steps; the one computed as number s is at time `at(b, s)`.
    fn packed(
        time: usize,
        lengths: &[usize],
        at: impl Fn(usize, usize) -> usize,
        reverse: bool,
        repeats: bool,
    ) -> Self {
        let batch = lengths.len();
        let mut order: Vec<usize> = (0..batch).collect();
        order.sort_by_key(|&b| Reverse(lengths[b])); // stable: equal lengths keep their order
        let mut rank = vec![0; batch];
        for (sorted, &b) in order.iter().enumerate() {
            rank[b] = sorted;
        }
        let total: usize = lengths.iter().sum();
        let (mut source, mut packed) = (Vec::with_capacity(total), vec![total; time * batch]);
        let (mut last, mut steps) = (vec![total; batch], Vec::with_capacity(lengths[order[0]].max(1)));
        for s in 0..lengths[order[0]] {
            let start = source.len();
            for &b in order.iter().take_while(|&&b| lengths[b] > s) {
                let row = at(b, s) * batch + b;
                packed[row] = source.len();
                last[b] = source.len();
                source.push(row);
            }
            steps.push(start..source.len());
        }
        if steps.is_empty() {
            steps.push(0..0); // a step of no rows: without it, nothing would know the width of an output
        }
        if repeats {
            // A position that no step computed takes over the row of the position before it.
            for b in 0..batch {
                let mut before = total + rank[b];
                for t in (0..time).map(|s| if reverse { time - 1 - s } else { s }) {
                    let row = &mut packed[t * batch + b];
                    if *row == total {
                        *row = before;
                    }
                    before = *row;
                }
            }
        }
        let indices = PackedIndices {
            source: source.into(),
            packed: Indices::from_vec(packed, [time, batch]),
            last: last.into(),
            order: order.into(),
            rank: rank.into(),
            repeats,
        };
        Packing { steps: Steps::Packed(steps), reverse, indices: Some(indices) }
    }

    /// The rows to compute of sequences `[T, B, ..]`: all of them, or the valid ones as
    /// `[1, N, ..]`.
    pub(crate) fn pack<'t, T: Scalar>(&self, xs: Var<'t, T>) -> Var<'t, T> {
        match &self.indices {
            None => xs,
            Some(indices) => merge(xs).index_select(0, &indices.source).unsqueeze(0),
        }
    }

    /// The `rows` of what [`pack`](Packing::pack) returned, which are those of whole steps.
    pub(crate) fn slice<'t, T: Scalar>(&self, packed: Var<'t, T>, rows: &Range<usize>) -> Var<'t, T> {
        match &self.indices {
            Some(_) => packed.slice(1, rows.clone()),
            None => match packed.shape()[1] {
                0 => packed,
                batch => packed.slice(0, rows.start / batch..rows.end / batch),
            },
        }
    }

    /// A row per sequence, `[B, ..]`, in the order of the steps: the longest sequence first.
    #[track_caller]
    pub(crate) fn sort<'t, T: Scalar>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.indices.as_ref().map_or(x, |indices| x.index_select(0, &indices.order))
    }

    /// The inverse of [`sort`](Packing::sort).
    pub(crate) fn unsort<'t, T: Scalar>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.indices.as_ref().map_or(x, |indices| x.index_select(0, &indices.rank))
    }

    /// What the steps computed, in the order of time: `[T, B, ..]`; a variable has the rows of one
    /// step or of several. Steps that are not valid have zeros; or, if outputs repeat, what the step
    /// before has, and zeros before the first valid step.
    pub(crate) fn sequence<'t, T: Scalar>(&self, steps: &[Var<'t, T>]) -> Var<'t, T> {
        match &self.indices {
            None if steps.len() < self.steps.len() => {
                let rows = Var::concat(0, steps);
                let sequence = unmerge(rows, self.steps.len(), self.steps.rows(0).len());
                if self.reverse { sequence.flip(0) } else { sequence }
            }
            None if self.reverse => Var::stack(0, &steps.iter().rev().copied().collect::<Vec<_>>()),
            None => Var::stack(0, steps),
            Some(indices) => {
                let zeros = if indices.repeats { indices.rank.shape()[0] } else { 1 };
                with_zeros(steps, zeros).index_select(0, &indices.packed)
            }
        }
    }

    /// The variables `[B, ..]` of the steps in the order of time, of which
    /// [`sequence`](Packing::sequence) is made, if each has the rows of one time step.
    pub(crate) fn times<'t, T: Scalar>(&self, steps: &[Var<'t, T>]) -> Option<Vec<Var<'t, T>>> {
        let whole = self.indices.is_none() && steps.len() == self.steps.len();
        let times = || steps.iter().copied();
        whole.then(|| if self.reverse { times().rev().collect() } else { times().collect() })
    }

    /// [`sequence`](Packing::sequence) if outputs repeat, with other values than zeros before the first valid step: they
    /// are the last of `steps_and_initial`, sorted.
    pub(crate) fn sequence_after<'t, T: Scalar>(&self, steps_and_initial: &[Var<'t, T>]) -> Var<'t, T> {
        let indices = self.indices.as_ref().expect("outputs repeat in a packed batch only");
        Var::concat(0, steps_and_initial).index_select(0, &indices.packed)
    }

    /// What the last step of each sequence computed, `[B, ..]`; zeros for a sequence without steps.
    pub(crate) fn last<'t, T: Scalar>(&self, steps: &[Var<'t, T>]) -> Var<'t, T> {
        match &self.indices {
            None => {
                let last = steps[steps.len() - 1];
                let (rows, batch) = (last.shape()[0], self.steps.rows(0).len());
                if rows == batch { last } else { last.slice(0, rows - batch..) }
            }
            Some(indices) => with_zeros(steps, 1).index_select(0, &indices.last),
        }
    }

    /// The time of the step computed as number `s`; of sequences with different numbers of valid steps
    /// that run backwards, or of which any may be missing, it is `s` itself.
    #[inline]
    pub(crate) fn time(&self, s: usize) -> usize {
        match self.steps {
            Steps::Whole { time, reverse: true, .. } => time - 1 - s,
            _ => s,
        }
    }

    /// The numbers of time steps and of sequences.
    pub(crate) fn size(&self) -> (usize, usize) {
        match (&self.indices, &self.steps) {
            (Some(indices), _) => (indices.packed.shape()[0], indices.packed.shape()[1]),
            (None, &Steps::Whole { time, batch, .. }) => (time, batch),
            (None, Steps::Packed(_)) => unreachable!("packed steps have indices"),
        }
    }

    /// For each row of the step computed as number `s`, its time and its sequence.
    pub(crate) fn places(&self, s: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
        let (_, batch) = self.size();
        let source = self.indices.as_ref().map(|indices| indices.source.as_slice());
        self.steps
            .rows(s)
            .map(move |row| source.map_or(row, |source| source[row]))
            .map(move |at| (at / batch, at % batch))
    }

    /// Whether the steps run backwards in time.
    pub(crate) fn is_reverse(&self) -> bool {
        self.reverse
    }

    /// Whether sequences have different numbers of valid steps.
    pub(crate) fn is_packed(&self) -> bool {
        self.indices.is_some()
    }

    /// Whether outputs and states repeat at steps that are not valid.
    pub(crate) fn repeats(&self) -> bool {
        self.indices.as_ref().is_some_and(|indices| indices.repeats)
    }
}

/// `[T, B, ..]` as `[T B, ..]`.
#[track_caller]
pub(crate) fn merge<T: Scalar>(xs: Var<'_, T>) -> Var<'_, T> {
    let shape = xs.shape();
    xs.reshape([shape[0] * shape[1]].into_iter().chain(shape[2..].iter().copied()).collect::<Shape>())
}

/// `[T B, ..]` as `[T, B, ..]`.
#[track_caller]
pub(crate) fn unmerge<T: Scalar>(rows: Var<'_, T>, time: usize, batch: usize) -> Var<'_, T> {
    let shape = rows.shape();
    rows.reshape([time, batch].into_iter().chain(shape[1..].iter().copied()).collect::<Shape>())
}

/// The rows of all steps, followed by rows of zeros.
fn with_zeros<'t, T: Scalar>(steps: &[Var<'t, T>], rows: usize) -> Var<'t, T> {
    let zeros = steps[0].new_zeros(steps[0].shape().with(0, rows));
    Var::concat(0, &steps.iter().copied().chain([zeros]).collect::<Vec<_>>())
}
