//! Which rows of a batch of sequences are worked on at which step.

use std::ops::Range;
use unspool_autograd::{Indices, Scalar, Shape, Var};

/// The order of work on a batch of sequences `[T, B, ..]`, seen as rows `[T B, ..]`: at every step one range of rows.
///
/// Sequences of different lengths are packed: sorted by length, the longest first, and without their padding, so that
/// the sequences still running at a step are the first so many of the batch.
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
    /// For each packed row, the row of the padded batch: `[N]`.
    rows: Indices,
    /// For each place of the padded batch, its packed row, or `N` if it is padding: `[T, B]`.
    places: Indices,
    /// For each sequence, the packed row of its last step, or `N` if it has none: `[B]`.
    last: Indices,
    /// For each place in the order of lengths, the sequence: `[B]`.
    order: Indices,
    /// For each sequence, its place in the order of lengths: `[B]`.
    rank: Indices,
}

impl Layout {
    /// # Panics
    /// If there is not one length for each sequence, one is greater than `time`, or all are 0.
    #[track_caller]
    pub(crate) fn new(time: usize, batch: usize, lengths: Option<&[usize]>, reverse: bool) -> Self {
        if let Some(lengths) = lengths {
            let given = lengths.len();
            assert!(given == batch, "Recurrent: {given} lengths for a batch of {batch} sequences");
            for (b, length) in lengths.iter().enumerate() {
                assert!(*length <= time, "Recurrent: sequence {b} cannot have {length} of {time} time steps");
            }
            assert!(lengths.iter().any(|&length| length > 0), "Recurrent: no sequence has a time step");
            if lengths.iter().any(|&length| length < time) {
                return Self::packed(time, lengths, reverse);
            }
        }
        let step = |t: usize| t * batch..(t + 1) * batch;
        let times = (0..time).map(|s| if reverse { time - 1 - s } else { s });
        Layout { steps: times.map(step).collect(), reverse, packed: None }
    }

    fn packed(time: usize, lengths: &[usize], reverse: bool) -> Self {
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
        let mut steps = Vec::with_capacity(lengths[order[0]]);
        for s in 0..lengths[order[0]] {
            let start = rows.len();
            for &b in order.iter().take_while(|&&b| lengths[b] > s) {
                let t = if reverse { lengths[b] - 1 - s } else { s };
                places[t * batch + b] = rows.len();
                last[b] = rows.len();
                rows.push(t * batch + b);
            }
            steps.push(start..rows.len());
        }
        let packed = Packed {
            rows: rows.into(),
            places: Indices::from_vec(places, [time, batch]),
            last: last.into(),
            order: order.into(),
            rank: rank.into(),
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

    /// What the steps made, in the order of time, `[T, B, ..]`; zeros where there is padding.
    pub(crate) fn sequence<'t, T: Scalar>(&self, made: &[Var<'t, T>]) -> Var<'t, T> {
        match &self.packed {
            None if self.reverse => Var::stack(0, &made.iter().rev().copied().collect::<Vec<_>>()),
            None => Var::stack(0, made),
            Some(packed) => with_zeros(made).index_select(0, &packed.places),
        }
    }

    /// What the last step of each sequence made, `[B, ..]`; zeros for a sequence of no steps.
    pub(crate) fn last<'t, T: Scalar>(&self, made: &[Var<'t, T>]) -> Var<'t, T> {
        match &self.packed {
            None => made[made.len() - 1],
            Some(packed) => with_zeros(made).index_select(0, &packed.last),
        }
    }

    /// Whether sequences have different lengths.
    pub(crate) fn is_packed(&self) -> bool {
        self.packed.is_some()
    }
}

/// `[T, B, ..]` as `[T B, ..]`.
#[track_caller]
pub(crate) fn merge<T: Scalar>(xs: Var<'_, T>) -> Var<'_, T> {
    let shape = xs.shape();
    xs.reshape([shape[0] * shape[1]].into_iter().chain(shape[2..].iter().copied()).collect::<Shape>())
}

/// The rows of all steps, and a row of zeros.
fn with_zeros<'t, T: Scalar>(made: &[Var<'t, T>]) -> Var<'t, T> {
    let zeros = made[0].zeros(made[0].shape().with(0, 1));
    Var::concat(0, &made.iter().copied().chain([zeros]).collect::<Vec<_>>())
}
