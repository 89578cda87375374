//! How a sum over rows is cut into parts, and in which order they are added.

use crate::tuning::{FIRST_ROWS, FIXED_SHARE, OP_BYTES, PART_BYTES};
use std::ops::Range;
use unspool_tensor::{Scalar, Tensor};

/// The sum over a part of the rows.
pub(super) struct Part<T: Scalar> {
    pub(super) value: Tensor<T>,
    /// The gradients with respect to the inputs that need one.
    pub(super) gradients: Vec<Tensor<T>>,
    /// The bytes that its values took.
    pub(super) bytes: usize,
    /// The number of its values.
    pub(super) len: usize,
}

impl<T: Scalar> Part<T> {
    fn add(mut self, other: &Self) -> Self {
        self.value.update(&other.value, |a, b| a + b);
        for (sum, gradient) in self.gradients.iter_mut().zip(&other.gradients) {
            sum.update(gradient, |a, b| a + b);
        }
        self
    }
}

/// The sum over all rows. Neither the parts nor the order in which they are added depend on threads.
///
/// Two small parts show what a row takes, and what is the same for each part: the gradients of the
/// inputs, `input_bytes`, what is computed from them alone, and what the tape adds to each op. The other
/// parts have as many rows as stay in the cache, or more, so that what is the same for each part takes
/// less time than the rows.
pub(super) fn sum<T: Scalar>(
    rows: usize,
    input_bytes: usize,
    compute: impl Fn(Range<usize>) -> Part<T> + Sync,
) -> Part<T> {
    // A row often meets each parameter once.
    let few = (PART_BYTES / input_bytes.max(1)).clamp(*FIRST_ROWS.start(), *FIRST_ROWS.end()).min(rows);
    let first = compute(0..few);
    if few == rows {
        return first;
    }
    let rest = rows.min(3 * few);
    let second = compute(few..rest);
    if rest == rows {
        return first.add(&second);
    }
    let of_row = (second.bytes.saturating_sub(first.bytes) / few).max(1);
    let fixed = input_bytes + first.bytes.saturating_sub(of_row * few) + OP_BYTES * first.len;
    let most = (PART_BYTES.max(FIXED_SHARE * fixed) / of_row).max(1);
    let parts = (rows - rest).div_ceil(most);
    let size = (rows - rest).div_ceil(parts);
    let part = |i: usize| compute(rest + i * size..rows.min(rest + (i + 1) * size));
    first.add(&second).add(&tree(0..(rows - rest).div_ceil(size), &part))
}

/// The sum of these parts: that of one half and that of the other, in parallel.
fn tree<T: Scalar>(parts: Range<usize>, compute: &(impl Fn(usize) -> Part<T> + Sync)) -> Part<T> {
    if parts.len() == 1 {
        return compute(parts.start);
    }
    let middle = parts.start + parts.len() / 2;
    let (left, right) = (|| tree(parts.start..middle, compute), || tree(middle..parts.end, compute));
    // With one thread there is nothing to hand over, which would cost 20 microseconds.
    let (left, right) = if rayon::current_num_threads() == 1 { (left(), right()) } else { rayon::join(left, right) };
    left.add(&right)
}
