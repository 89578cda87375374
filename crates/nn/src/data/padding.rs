//! Padding sequences of different lengths to a batch.

use crate::data::error::DataError;
use unspool_autograd::{Indices, Scalar, Tensor};

/// Sequences padded to the longest of them: what [`pad`] and [`pad_tokens`] return.
/// [`predict`](crate::train::predict()) takes it as it is.
///
/// ```
/// use unspool::data::{Padded, pad};
/// use unspool::{Tensor, dense, gru, predict, sequential};
/// let padded: Padded = pad(&[Tensor::ones([2, 3]), Tensor::ones([5, 3])])?;
/// assert_eq!((&padded.x.shape()[..], &padded.lengths[..]), (&[5, 2, 3][..], &[2, 5][..]));
/// let model = sequential().add(gru(3, 4)).add(dense(4, 1));
/// assert_eq!(predict(&model, &padded).shape()[..], [2, 1]);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Padded<X = Tensor> {
    /// The sequences, `[T, B, F]`, with zeros after the end of each; tokens are `[T, B]`.
    pub x: X,
    /// The length of each of the `B` sequences, in steps.
    pub lengths: Vec<usize>,
}

/// Stacks sequences `[L, F]` of different lengths to `[T, B, F]`, with zeros after the end of each.
///
/// [`buckets`](crate::data::buckets) groups sequences of similar length, which need little padding.
///
/// ```
/// use unspool::data::pad;
/// use unspool::prelude::*;
/// let padded = pad(&[Tensor::<f32>::ones([2, 3]), Tensor::ones([5, 3])])?;
/// assert_eq!(padded.x.shape()[..], [5, 2, 3]);
/// let (tape, layer) = (Tape::new(), Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 3, 4)));
/// let cx = Context::default().with_lengths(&padded.lengths);
/// let output = tape.bind(&layer).apply(tape.constant(&padded.x), cx);
/// assert_eq!(output.last().shape()[..], [2, 4]);                 // after step 2 of the first, 5 of the second
/// # Ok::<(), unspool::data::DataError>(())
/// ```
///
/// # Errors
/// If there is no sequence, or one is not `[L, F]` with the `F` of the first.
pub fn pad<T: Scalar>(sequences: &[Tensor<T>]) -> Result<Padded<Tensor<T>>, DataError> {
    let Some(first) = sequences.first().map(Tensor::shape) else {
        return Err(DataError::new("there is no sequence to pad: at least one is needed".to_string()));
    };
    for (i, shape) in sequences.iter().map(Tensor::shape).enumerate() {
        if shape.rank() != 2 {
            return Err(DataError::new(format!("sequence {i} is {shape}: it must be [L, F], steps and features")));
        }
        if shape[1] != first[1] {
            return Err(DataError::new(format!(
                "sequence {i} has {} features, sequence 0 has {}: these must be the same",
                shape[1], first[1]
            )));
        }
    }
    let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.shape()[0]).collect();
    let (time, batch_size, features) = (lengths.iter().copied().max().unwrap_or(0), lengths.len(), first[1]);
    let mut x = Tensor::zeros([time, batch_size, features]);
    if x.numel() > 0 {
        let out = x.as_mut_slice();
        for (b, sequence) in sequences.iter().enumerate() {
            for (t, step) in sequence.to_vec().chunks_exact(features).enumerate() {
                let start = (t * batch_size + b) * features;
                out[start..start + features].copy_from_slice(step);
            }
        }
    }
    Ok(Padded { x, lengths })
}

/// Stacks sequences of tokens of different lengths to `[T, B]`, with the token `padding` after the
/// end of each.
///
/// ```
/// use unspool::data::pad_tokens;
/// let padded = pad_tokens(&[vec![4, 7], vec![5, 2, 9]], 0)?;
/// assert_eq!(padded.x.shape()[..], [3, 2]);
/// assert_eq!(padded.x.as_slice(), [4, 5, 7, 2, 0, 9]);
/// assert_eq!(padded.lengths, [2, 3]);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
///
/// # Errors
/// If there is no sequence.
pub fn pad_tokens(sequences: &[impl AsRef<[usize]>], padding: usize) -> Result<Padded<Indices>, DataError> {
    if sequences.is_empty() {
        return Err(DataError::new("there is no sequence to pad: at least one is needed".to_string()));
    }
    let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.as_ref().len()).collect();
    let time = lengths.iter().copied().max().unwrap_or(0);
    let step = |t: usize| sequences.iter().map(move |sequence| *sequence.as_ref().get(t).unwrap_or(&padding));
    let x = Indices::from_vec((0..time).flat_map(step).collect(), [time, lengths.len()]);
    Ok(Padded { x, lengths })
}
