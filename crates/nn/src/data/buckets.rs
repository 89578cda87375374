//! Batches of sequences of similar length.

use crate::random::rng;
use crate::tuning::POOLED_BATCHES;
use rand::seq::SliceRandom;

/// Puts sequences of similar length into batches of `batch`: the places of each batch's sequences in `lengths`. Every
/// sequence is in exactly one batch, one of which may be smaller than the others.
///
/// The sequences are shuffled, sorted by length in pools of 64 batches, cut into batches, and these shuffled: as the
/// `seed` says, so the number of the epoch gives each its own batches.
///
/// ```
/// use unspool_nn::data::buckets;
/// let lengths = [9, 2, 8, 3, 2];
/// let mut batches = buckets(&lengths, 2, 0);
/// batches.sort_by_key(|batch| lengths[batch[0]]);
/// assert!(batches[0].iter().all(|&i| lengths[i] == 2));         // 1 and 4
/// assert_eq!(batches.concat().len(), 5);
/// ```
///
/// # Panics
/// If `batch` is 0.
#[track_caller]
pub fn buckets(lengths: &[usize], batch: usize, seed: u64) -> Vec<Vec<usize>> {
    assert!(batch > 0, "buckets: a batch of 0 sequences: it must have at least 1");
    let rng = &mut rng(seed);
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.shuffle(rng);
    let mut batches = Vec::with_capacity(lengths.len().div_ceil(batch));
    for pool in order.chunks_mut(batch.saturating_mul(POOLED_BATCHES)) {
        // Stable: sequences of one length stay shuffled.
        pool.sort_by_key(|&i| lengths[i]);
        batches.extend(pool.chunks(batch).map(<[usize]>::to_vec));
    }
    batches.shuffle(rng);
    batches
}
