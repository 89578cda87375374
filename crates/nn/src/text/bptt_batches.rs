//! Contiguous batches of a stream of tokens.

use crate::data::error::DataError;
use std::iter::FusedIterator;
use unspool_autograd::Indices;

/// Some time steps of every row: what [`BpttBatchs`] hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BpttBatch {
    /// `[T, B]`.
    pub inputs: Indices,
    /// `[T, B]`: the token after each of the inputs.
    pub targets: Indices,
}

/// A stream of tokens as rows side by side, chunk after chunk: what [`bptt_batches`] returns.
#[derive(Clone, Debug)]
pub struct BpttBatchs<'a> {
    tokens: &'a [usize],
    rows: usize,
    /// Inputs in each row.
    length: usize,
    steps: usize,
    /// The next time step.
    next: usize,
}

/// Cuts a stream of tokens into `rows` equal rows and these into chunks of `steps` time steps, `[T, B]`, for truncated
/// backpropagation through time (Williams and Peng 1990; the batching is that of Zaremba et al. 2014).
///
/// Row b of a chunk goes on where row b of the chunk before it ended, so the state carried from chunk to chunk is that of its
/// own past. The targets are one token ahead. The last chunk may have fewer steps; fewer tokens than there are rows are left
/// out at the end.
///
/// ```
/// use unspool_autograd::{Tape, Tensor};
/// use unspool_nn::text::bptt_batches;
/// use unspool_nn::rng;
/// use unspool_nn::cells::Gru;
/// use unspool_nn::layers::Embedding;
/// use unspool_nn::recurrent::{Recurrent, State};
/// let tokens: Vec<usize> = (0..21).collect();
/// let chunks: Vec<_> = bptt_batches(&tokens, 2, 4)?.collect();
/// assert_eq!(chunks.len(), 3);                                 // of 4, 4 and 2 steps
/// assert_eq!(chunks[0].inputs.as_slice(), [0, 10, 1, 11, 2, 12, 3, 13]);
/// assert_eq!(chunks[0].targets.as_slice(), [1, 11, 2, 12, 3, 13, 4, 14]);
/// assert_eq!(chunks[1].inputs.as_slice()[..2], [4, 14]);
///
/// let rng = &mut rng(0);
/// let (words, layer) = (Embedding::<Tensor>::new(rng, 21, 3), Recurrent::new(Gru::<Tensor>::new(rng, 3, 5)));
/// let (mut tape, mut carried) = (Tape::new(), None);
/// for chunk in bptt_batches(&tokens, 2, 4)? {
///     let (words, layer) = (tape.bind(&words), tape.bind(&layer));
///     let run = layer.unroll(words.forward(&chunk.inputs)).carried(carried.as_ref()).run();
///     carried = Some(run.state().detach());
///     tape.reset();
/// }
/// # Ok::<(), unspool_nn::data::DataError>(())
/// ```
///
/// # Errors
/// If there are too few tokens for an input and its target in each row.
///
/// # Panics
/// If `rows` or `steps` is 0.
#[track_caller]
pub fn bptt_batches(tokens: &[usize], rows: usize, steps: usize) -> Result<BpttBatchs<'_>, DataError> {
    assert!(rows > 0, "bptt_batches: a batch of 0 rows: it must have at least 1");
    assert!(steps > 0, "bptt_batches: chunks of 0 steps: they must have at least 1");
    let length = tokens.len().saturating_sub(1) / rows;
    if length == 0 {
        return Err(DataError(format!(
            "a text of {} tokens is too short for {rows} rows side by side: these need at least {}",
            tokens.len(),
            rows.saturating_add(1)
        )));
    }
    Ok(BpttBatchs { tokens, rows, length, steps, next: 0 })
}

impl Iterator for BpttBatchs<'_> {
    type Item = BpttBatch;

    fn next(&mut self) -> Option<BpttBatch> {
        let BpttBatchs { tokens, rows, length, steps, next: from } = *self;
        let steps = steps.min(length - from);
        self.next += steps;
        let ahead = |by: usize| {
            let step = |t: usize| (0..rows).map(move |b| tokens[b * length + t + by]);
            Indices::from_vec((from..from + steps).flat_map(step).collect(), [steps, rows])
        };
        (steps > 0).then(|| BpttBatch { inputs: ahead(0), targets: ahead(1) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.length - self.next).div_ceil(self.steps);
        (left, Some(left))
    }
}

impl ExactSizeIterator for BpttBatchs<'_> {}
impl FusedIterator for BpttBatchs<'_> {}
