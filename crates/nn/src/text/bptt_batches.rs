//! Batches of a stream of tokens for truncated backpropagation through time.

use crate::data::error::DataError;
use std::fmt;
use std::iter::FusedIterator;
use unspool_autograd::Indices;

/// The next time steps of every sequence: what [`BpttBatches`] yields.
///
/// ```
/// use unspool::text::bptt_batches;
/// let batch = bptt_batches(&[3, 1, 4, 1, 5], 1, 4)?.next().unwrap();
/// assert_eq!((batch.inputs.as_slice(), batch.targets.as_slice()), (&[3, 1, 4, 1][..], &[1, 4, 1, 5][..]));
/// # Ok::<(), unspool::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BpttBatch {
    /// The input tokens, `[T, B]`.
    pub inputs: Indices,
    /// The token after each of the inputs, `[T, B]`.
    pub targets: Indices,
}

/// The batches of a stream of tokens, in order: what [`bptt_batches`] returns.
///
/// ```
/// use unspool::text::bptt_batches;
/// let tokens: Vec<usize> = (0..101).collect();
/// assert_eq!(bptt_batches(&tokens, 4, 10)?.count(), 3);           // of 10, 10 and 5 steps
/// # Ok::<(), unspool::data::DataError>(())
/// ```
#[derive(Clone)]
pub struct BpttBatches<'a> {
    tokens: &'a [usize],
    batch_size: usize,
    /// The inputs of each sequence.
    length: usize,
    steps: usize,
    /// The next time step.
    next: usize,
}

impl fmt::Debug for BpttBatches<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BpttBatches")
            .field("tokens", &self.tokens.len())
            .field("batch_size", &self.batch_size)
            .field("steps", &self.steps)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// Cuts a stream of tokens into `batch_size` sequences of equal length, and these into batches of
/// `steps` time steps, `[T, B]`, for truncated backpropagation through time (Williams and Peng
/// 1990; the batching is that of Zaremba et al. 2014).
///
/// Sequence b of a batch continues sequence b of the batch before, so a state that is carried from
/// batch to batch is the state of its own past. The targets are one token ahead. The last batch may
/// have fewer steps; up to `batch_size - 1` tokens at the end of the stream are dropped.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::text::bptt_batches;
/// let tokens: Vec<usize> = (0..21).collect();
/// let batches: Vec<_> = bptt_batches(&tokens, 2, 4)?.collect();
/// assert_eq!(batches.len(), 3);                                 // of 4, 4 and 2 steps
/// assert_eq!(batches[0].inputs.as_slice(), [0, 10, 1, 11, 2, 12, 3, 13]);
/// assert_eq!(batches[0].targets.as_slice(), [1, 11, 2, 12, 3, 13, 4, 14]);
/// assert_eq!(batches[1].inputs.as_slice()[..2], [4, 14]);
///
/// let rng = &mut rng(0);
/// let (words, layer) = (Embedding::<Tensor>::new(rng, 21, 3), Recurrent::new(Gru::<Tensor>::new(rng, 3, 5)));
/// let (mut tape, mut carried) = (Tape::new(), None);
/// for batch in bptt_batches(&tokens, 2, 4)? {
///     let (words, layer) = (tape.bind(&words), tape.bind(&layer));
///     let state = carried.as_ref().map(|carried| State::attach(&tape, carried));
///     let output = layer.run(words.forward(&batch.inputs), state, Context::default());
///     carried = Some(output.state().detached());
///     tape.reset();
/// }
/// # Ok::<(), unspool::data::DataError>(())
/// ```
///
/// # Errors
/// If there are too few tokens for an input and its target in each sequence.
///
/// # Panics
/// If `batch_size` or `steps` is 0.
#[track_caller]
pub fn bptt_batches(tokens: &[usize], batch_size: usize, steps: usize) -> Result<BpttBatches<'_>, DataError> {
    ensure!(batch_size > 0, "bptt_batches: a batch size of 0: it must be at least 1");
    ensure!(steps > 0, "bptt_batches: batches of 0 steps: they must have at least 1");
    let length = tokens.len().saturating_sub(1) / batch_size;
    if length == 0 {
        return Err(DataError::new(format!(
            "a text of {} tokens is too short for a batch size of {batch_size}: it needs at least {}",
            tokens.len(),
            batch_size.saturating_add(1)
        )));
    }
    Ok(BpttBatches { tokens, batch_size, length, steps, next: 0 })
}

impl Iterator for BpttBatches<'_> {
    type Item = BpttBatch;

    fn next(&mut self) -> Option<BpttBatch> {
        let BpttBatches { tokens, batch_size, length, steps, next: from } = *self;
        let steps = steps.min(length - from);
        self.next += steps;
        let ahead = |by: usize| {
            let step = |t: usize| (0..batch_size).map(move |b| tokens[b * length + t + by]);
            Indices::from_vec((from..from + steps).flat_map(step).collect(), [steps, batch_size])
        };
        (steps > 0).then(|| BpttBatch { inputs: ahead(0), targets: ahead(1) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.length - self.next).div_ceil(self.steps);
        (left, Some(left))
    }
}

impl ExactSizeIterator for BpttBatches<'_> {}
impl FusedIterator for BpttBatches<'_> {}
