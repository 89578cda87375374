//! Which rows of a batch of sequences are worked on at which step.

use crate::layers::padding::check_lengths;
use std::ops::Range;
use unspool_autograd::{Indices, Scalar, Shape, Tensor, Var};

/// Which time steps of a batch of sequences count.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counted<'a, T: Scalar> {
    /// All of them.
    All,
    /// The first so many of each; behind them, outputs are zeros.
    Lengths(&'a [usize]),
    /// Those where this, `[T, B]`, is not 0; at the others, outputs and states stay as they were.
    Mask(&'a Tensor<T>),
}

/// The order of work on a batch of sequences `[T, B, ..]`, seen as rows `[T B, ..]`: at every step one range of rows.
///
/// Sequences of different numbers of steps are packed: sorted by these, the longest first, and without what does not count, so
/// that the sequences still running at a step are the first so many of the batch.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The rows of each step.
    pub(crate) steps: Vec<Range<usize>>,
    reverse: bool,
    packed: Option<Packed>,
}

/// Where things lie in a packed batch.
#[derive(Clone, Debug)]
struct Packed {
    /// For each packed row, the row of the batch as it was given: `[N]`.
    rows: Indices,
    /// For each place of the batch, its packed row: `[T, B]`. Where nothing counts, `N` if outputs are zeros there; if they stay,
    /// the row before, or `N` and the sequence's place if there was none.
    places: Indices,
    /// For each sequence, the packed row of its last step, or `N` if it has none: `[B]`.
    last: Indices,
    /// For each place in the order of lengths, the sequence: `[B]`.
    order: Indices,
    /// For each sequence, its place in the order of lengths: `[B]`.
    rank: Indices,
    /// Whether outputs stay where nothing counts.
    stays: bool,
}

impl Layout {
    /// The steps of sequences of which all count.
    pub(crate) fn whole(time: usize, batch: usize, reverse: bool) -> Self {
        let step = |t: usize| t * batch..(t + 1) * batch;
        let times = (0..time).map(|s| if reverse { time - 1 - s } else { s });
        Layout { steps: times.map(step).collect(), reverse, packed: None }
    }

    /// # Panics
    /// If there is not one length for each sequence, one is greater than `time`, or the mask is not `[T, B]`.
    #[track_caller]
    pub(crate) fn new<T: Scalar>(time: usize, batch: usize, counted: Counted<'_, T>, reverse: bool) -> Self {
        match counted {
            Counted::All => {}
            Counted::Lengths(lengths) => {
                check_lengths("Recurrent", lengths, time, batch);
                if lengths.iter().any(|&length| length < time) {
                    let at = |b: usize, s| if reverse { lengths[b] - 1 - s } else { s };
                    return Self::packed(time, lengths, at, reverse, false);
                }
            }
            Counted::Mask(mask) => {
                let shape = mask.shape();
                assert!(
                    shape[..] == [time, batch],
                    "Recurrent: mask {shape} is not [{time}, {batch}], one for each step"
                );
                let counts = mask.to_vec();
                let mut times: Vec<Vec<usize>> =
                    (0..batch).map(|b| (0..time).filter(|t| counts[t * batch + b] != T::ZERO).collect()).collect();
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

    /// Sequence b has `lengths[b]` steps, and the one made as number s is that at time `at(b, s)`.
    fn packed(time: usize, lengths: &[usize], at: impl Fn(usize, usize) -> usize, reverse: bool, stays: bool) -> Self {
        let batch = lengths.len();
        let mut order: Vec<usize> = (0..batch).collect();
        order.sort_by_key(|&b| std::cmp::Reverse(lengths[b])); // stable: equal lengths keep their order
        let mut rank = vec![0; batch];
        for (place, &b) in order.iter().enumerate() {
            rank[b] = place;
        }
        let total: usize = lengths.iter().sum();
        let (mut rows, mut places, mut last) =
            (Vec::with_capacity(total), vec![total; time * batch], vec![total; batch]);
        let mut steps = Vec::with_capacity(lengths[order[0]].max(1));
        for s in 0..lengths[order[0]] {
            let start = rows.len();
            for &b in order.iter().take_while(|&&b| lengths[b] > s) {
                let t = at(b, s);
                places[t * batch + b] = rows.len();
                last[b] = rows.len();
                rows.push(t * batch + b);
            }
            steps.push(start..rows.len());
        }
        if steps.is_empty() {
            steps.push(0..0); // of no sequence: it tells how wide outputs are
        }
        if stays {
            for b in 0..batch {
                let mut before = total + rank[b];
                for t in (0..time).map(|s| if reverse { time - 1 - s } else { s }) {
                    let place = &mut places[t * batch + b];
                    if *place == total {
                        *place = before;
                    }
                    before = *place;
                }
            }
        }
        let packed = Packed {
            rows: rows.into(),
            places: Indices::from_vec(places, [time, batch]),
            last: last.into(),
            order: order.into(),
            rank: rank.into(),
            stays,
        };
        Layout { steps, reverse, packed: Some(packed) }
    }

    /// What there is to project of a sequence `[T, B, ..]`: the same, or its valid steps as `[1, N, ..]`.
    pub(crate) fn pack<'t, T: Scalar>(&self, xs: Var<'t, T>) -> Var<'t, T> {
        match &self.packed {
            None => xs,
            Some(packed) => merge(xs).index_select(0, &packed.rows).unsqueeze(0),
        }
    }

    /// Some rows of what there is to project, those of whole steps.
    pub(crate) fn part<'t, T: Scalar>(&self, packed: Var<'t, T>, rows: &Range<usize>) -> Var<'t, T> {
        match &self.packed {
            Some(_) => packed.slice(1, rows.clone()),
            None => match packed.shape()[1] {
                0 => packed,
                batch => packed.slice(0, rows.start / batch..rows.end / batch),
            },
        }
    }

    /// Something per sequence, `[B, ..]`, in the order in which the steps work.
    #[track_caller]
    pub(crate) fn sort<'t, T: Scalar>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.packed.as_ref().map_or(x, |packed| x.index_select(0, &packed.order))
    }

    /// Something per sequence in the batch's own order again.
    pub(crate) fn unsort<'t, T: Scalar>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.packed.as_ref().map_or(x, |packed| x.index_select(0, &packed.rank))
    }

    /// What the steps made, in the order of time, `[T, B, ..]`. Where nothing counts, that is zeros; or, if outputs stay, what
    /// stood there before, which is zeros before the first step.
    pub(crate) fn sequence<'t, T: Scalar>(&self, made: &[Var<'t, T>]) -> Var<'t, T> {
        match &self.packed {
            None if self.reverse => Var::stack(0, &made.iter().rev().copied().collect::<Vec<_>>()),
            None => Var::stack(0, made),
            Some(packed) => {
                let more = if packed.stays { packed.rank.shape()[0] } else { 1 };
                with_zeros(made, more).index_select(0, &packed.places)
            }
        }
    }

    /// The same, where outputs stay, with what stood there before the first step behind what the steps made.
    pub(crate) fn sequence_after<'t, T: Scalar>(&self, made_and_before: &[Var<'t, T>]) -> Var<'t, T> {
        let packed = self.packed.as_ref().expect("outputs stay in a packed batch alone");
        Var::concat(0, made_and_before).index_select(0, &packed.places)
    }

    /// What the last step of each sequence made, `[B, ..]`; zeros for a sequence of no steps.
    pub(crate) fn last<'t, T: Scalar>(&self, made: &[Var<'t, T>]) -> Var<'t, T> {
        match &self.packed {
            None => made[made.len() - 1],
            Some(packed) => with_zeros(made, 1).index_select(0, &packed.last),
        }
    }

    /// Whether sequences have different lengths.
    pub(crate) fn is_packed(&self) -> bool {
        self.packed.is_some()
    }

    /// Whether outputs and states stay as they were where nothing counts.
    pub(crate) fn stays(&self) -> bool {
        self.packed.as_ref().is_some_and(|packed| packed.stays)
    }
}

/// `[T, B, ..]` as `[T B, ..]`.
#[track_caller]
pub(crate) fn merge<T: Scalar>(xs: Var<'_, T>) -> Var<'_, T> {
    let shape = xs.shape();
    xs.reshape([shape[0] * shape[1]].into_iter().chain(shape[2..].iter().copied()).collect::<Shape>())
}

/// The rows of all steps, and some rows of zeros.
fn with_zeros<'t, T: Scalar>(made: &[Var<'t, T>], rows: usize) -> Var<'t, T> {
    let zeros = made[0].new_zeros(made[0].shape().with(0, rows));
    Var::concat(0, &made.iter().copied().chain([zeros]).collect::<Vec<_>>())
}
