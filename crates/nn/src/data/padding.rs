//! Sequences of different lengths, side by side.

use crate::data::error::DataError;
use unspool_autograd::{Scalar, Tensor};

/// Sequences padded to the longest of them, as [`Unroll::lengths`](crate::recurrent::Unroll::lengths) and
/// [`forward_lengths`](crate::layers::Layer::forward_lengths) take them: what [`pad`] returns.
#[derive(Clone, Debug, PartialEq)]
pub struct Padded<T: Scalar = f32> {
    /// `[T, B, F]`, zeros behind the end of each sequence.
    pub x: Tensor<T>,
    /// The number of steps of each sequence: `B` of them.
    pub lengths: Vec<usize>,
}

/// Puts sequences `[L, F]` of different lengths side by side, `[T, B, F]`, with zeros behind their ends.
///
/// [`buckets`](crate::data::buckets) puts such together as need little of it.
///
/// ```
/// use unspool_autograd::Tensor;
/// use unspool_nn::{Mode, rng};
/// use unspool_nn::cells::Gru;
/// use unspool_nn::data::pad;
/// use unspool_nn::layers::Layer;
/// use unspool_nn::recurrent::Recurrent;
/// use unspool_autograd::Tape;
/// let padded = pad(&[Tensor::<f32>::ones([2, 3]), Tensor::ones([5, 3])])?;
/// assert_eq!(padded.x.shape()[..], [5, 2, 3]);
/// let (tape, layer) = (Tape::new(), Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 3, 4)));
/// let run = tape.bind(&layer).forward_lengths(tape.constant(&padded.x), Some(&padded.lengths), Mode::Evaluation);
/// assert_eq!(run.last().shape()[..], [2, 4]);                 // after step 2 of the first, 5 of the second
/// # Ok::<(), unspool_nn::data::DataError>(())
/// ```
///
/// # Errors
/// If there is no sequence, or one is not `[L, F]` with the `F` of the first.
pub fn pad<T: Scalar>(sequences: &[Tensor<T>]) -> Result<Padded<T>, DataError> {
    let Some(first) = sequences.first().map(Tensor::shape) else {
        return Err(DataError("there is no sequence to pad: at least one is needed".to_string()));
    };
    for (i, shape) in sequences.iter().map(Tensor::shape).enumerate() {
        if shape.rank() != 2 {
            return Err(DataError(format!("sequence {i} is {shape}: it must be [L, F], steps and features")));
        }
        if shape[1] != first[1] {
            return Err(DataError(format!(
                "sequence {i} has {} features, sequence 0 has {}: these must be the same",
                shape[1], first[1]
            )));
        }
    }
    let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.shape()[0]).collect();
    let (time, batch, features) = (lengths.iter().copied().max().unwrap_or(0), lengths.len(), first[1]);
    let mut x = Tensor::zeros([time, batch, features]);
    if x.numel() > 0 {
        let out = x.as_mut_slice();
        for (b, sequence) in sequences.iter().enumerate() {
            for (t, step) in sequence.to_vec().chunks_exact(features).enumerate() {
                let at = (t * batch + b) * features;
                out[at..at + features].copy_from_slice(step);
            }
        }
    }
    Ok(Padded { x, lengths })
}
