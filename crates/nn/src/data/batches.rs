//! Iterating over a data set in batches.

use crate::data::buckets;
use crate::data::dataset::Dataset;
use crate::data::examples::Examples;
use crate::random::rng;
use rand::seq::SliceRandom;
use std::borrow::Cow;
use std::fmt;
use std::iter::FusedIterator;
use unspool_autograd::Tensor;

/// The batches of one pass over a data set: what [`Dataset::batches`] returns.
///
/// Sequences with [lengths](Dataset::with_lengths) are padded only to the longest of their batch.
///
/// ```
/// use unspool::{Dataset, Tensor};
/// let data = Dataset::new(Tensor::<f32>::zeros([10, 2]), Tensor::<f32>::zeros([10, 1]))?;
/// let sizes: Vec<usize> = data.batches(4).shuffle(0).map(|batch| batch.len()).collect();
/// assert_eq!(sizes, [4, 4, 2]);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
#[derive(Clone)]
pub struct Batches<'a, X: Examples = Tensor, Y: Examples = X> {
    data: Cow<'a, Dataset<X, Y>>,
    batch_size: usize,
    /// The indices of each batch's examples; `None`: in their own order.
    order: Option<Vec<Vec<usize>>>,
    drop_last: bool,
    /// The index of the next batch.
    next: usize,
}

impl<X: Examples, Y: Examples> fmt::Debug for Batches<'_, X, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches")
            .field("examples", &self.data.len())
            .field("batch_size", &self.batch_size)
            .field("drop_last", &self.drop_last)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl<X: Examples, Y: Examples> Dataset<X, Y> {
    /// The examples in batches of `batch_size`, for a custom training loop;
    /// [`fit`](crate::train::fit) uses the same. The last batch may be smaller.
    ///
    /// ```
    /// use unspool::{Dataset, Tensor};
    /// let data = Dataset::new(Tensor::<f32>::zeros([5, 10, 2]), Tensor::<f32>::zeros([10, 1]))?;
    /// for epoch in 0..3 {
    ///     for batch in data.batches(4).shuffle(epoch).drop_last() {
    ///         assert_eq!((batch.x().shape()[..].to_vec(), batch.len()), (vec![5, 4, 2], 4));
    ///     }
    /// }
    /// assert_eq!(data.batches(4).map(|batch| batch.len()).collect::<Vec<_>>(), [4, 4, 2]);
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    ///
    /// # Panics
    /// If `batch_size` is 0.
    #[track_caller]
    pub fn batches(&self, batch_size: usize) -> Batches<'_, X, Y> {
        ensure!(batch_size > 0, "batches: a batch size of 0: it must be at least 1");
        Batches { data: Cow::Borrowed(self), batch_size, order: None, drop_last: false, next: 0 }
    }
}

impl<X: Examples, Y: Examples> Batches<'_, X, Y> {
    /// Shuffles the examples. The order depends only on `seed`: pass the number of the epoch for a
    /// new order each epoch.
    ///
    /// Without shuffling, batches share the memory of the data set.
    pub fn shuffle(self, seed: u64) -> Self {
        let order = shuffled_batches(self.data.len(), self.batch_size, seed);
        self.with_order(order)
    }

    /// Puts sequences of similar length into the same batch, as [`buckets`] does, in an order that
    /// depends on `seed`.
    ///
    /// # Panics
    /// If the data set has no [lengths](Dataset::with_lengths).
    #[track_caller]
    pub fn bucket_by_length(self, seed: u64) -> Self {
        let Some(lengths) = self.data.lengths() else {
            fail!("bucket_by_length: the data set has no lengths: set them with `with_lengths`");
        };
        let order = buckets(lengths, self.batch_size, seed);
        self.with_order(order)
    }

    fn with_order(self, order: Vec<Vec<usize>>) -> Self {
        // Selecting from a strided view in each batch would cost more than one copy.
        let data = if self.data.is_contiguous() { self.data } else { Cow::Owned(self.data.contiguous()) };
        Batches { data, order: Some(order), ..self }
    }

    /// Drops the batch that is smaller than the others, if there is one.
    pub fn drop_last(self) -> Self {
        Batches { drop_last: true, ..self }
    }

    /// The number of batches in the whole pass.
    fn total(&self) -> usize {
        let n = self.data.len();
        if self.drop_last { n / self.batch_size } else { n.div_ceil(self.batch_size) }
    }
}

impl<X: Examples, Y: Examples> Iterator for Batches<'_, X, Y> {
    type Item = Dataset<X, Y>;

    fn next(&mut self) -> Option<Dataset<X, Y>> {
        self.nth(0)
    }

    /// Skipped batches cost nothing.
    fn nth(&mut self, n: usize) -> Option<Dataset<X, Y>> {
        let i = self.next.saturating_add(n);
        self.next = self.total().min(i.saturating_add(1));
        if i >= self.total() {
            return None;
        }
        Some(match &self.order {
            None => {
                let start = i * self.batch_size;
                self.data.slice_trimmed(start, self.batch_size.min(self.data.len() - start))
            }
            Some(order) => {
                let full = |batch: &&Vec<usize>| !self.drop_last || batch.len() == self.batch_size;
                self.data.select_trimmed(order.iter().filter(full).nth(i).expect("i < total"))
            }
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.total() - self.next;
        (left, Some(left))
    }
}

impl<X: Examples, Y: Examples> ExactSizeIterator for Batches<'_, X, Y> {}
impl<X: Examples, Y: Examples> FusedIterator for Batches<'_, X, Y> {}

/// The numbers `0..n` in random order. NumPy's `permutation`.
///
/// ```
/// use unspool::data::permutation;
/// let order = permutation(5, 7);
/// assert_eq!(order, permutation(5, 7)); // the seed determines it
/// assert_eq!((0..5).filter(|i| order.contains(i)).count(), 5);
/// ```
pub fn permutation(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(&mut rng(seed));
    order
}

/// The examples of each batch of an epoch.
pub(crate) fn shuffled_batches(n: usize, batch_size: usize, seed: u64) -> Vec<Vec<usize>> {
    permutation(n, seed).chunks(batch_size).map(<[usize]>::to_vec).collect()
}
