//! Batches of sequences of similar length, which need little padding.

use crate::random::rng;
use crate::tuning::POOLED_BATCHES;
use rand::seq::SliceRandom;

/// Groups sequences of similar length into batches of `batch_size`, and returns the indices of each
/// batch's sequences. Every sequence is in exactly one batch. One batch may be smaller than the
/// others.
///
/// The sequences are shuffled, sorted by length in pools of 64 batches, and cut into batches, which
/// are then shuffled. This depends only on `seed`: pass the number of the epoch for new batches
/// each epoch.
///
/// ```
/// use unspool::data::buckets;
/// let lengths = [9, 2, 8, 3, 2];
/// let mut batches = buckets(&lengths, 2, 0);
/// batches.sort_by_key(|batch| lengths[batch[0]]);
/// assert!(batches[0].iter().all(|&i| lengths[i] == 2));         // 1 and 4
/// assert_eq!(batches.concat().len(), 5);
/// ```
///
/// # Panics
/// If `batch_size` is 0.
#[track_caller]
pub fn buckets(lengths: &[usize], batch_size: usize, seed: u64) -> Vec<Vec<usize>> {
    ensure!(batch_size > 0, "buckets: a batch size of 0: it must be at least 1");
    let rng = &mut rng(seed);
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.shuffle(rng);
    let mut batches = Vec::with_capacity(lengths.len().div_ceil(batch_size));
    for pool in order.chunks_mut(batch_size.saturating_mul(POOLED_BATCHES)) {
        // A stable sort: sequences of equal length stay shuffled.
        pool.sort_by_key(|&i| lengths[i]);
        batches.extend(pool.chunks(batch_size).map(<[usize]>::to_vec));
    }
    batches.shuffle(rng);
    batches
}
