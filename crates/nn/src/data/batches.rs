//! Batch after batch.

use crate::data::buckets;
use crate::data::dataset::Dataset;
use crate::random::rng;
use rand::seq::SliceRandom;
use std::borrow::Cow;
use std::iter::FusedIterator;
use unspool_autograd::Scalar;

/// The batches of a data set, one pass over it: what [`Dataset::batches`] returns.
///
/// Sequences with [lengths](Dataset::with_lengths) are padded to the longest of their batch and no further.
#[derive(Clone, Debug)]
pub struct Batches<'a, T: Scalar> {
    data: Cow<'a, Dataset<T>>,
    batch: usize,
    /// The examples of each batch; `None`: as they stand.
    order: Option<Vec<Vec<usize>>>,
    drop_last: bool,
    /// The next batch.
    next: usize,
}

impl<T: Scalar> Dataset<T> {
    /// The examples in batches of `batch`, for a training loop of one's own; [`fit`](crate::train::fit) takes them so. The last one
    /// may be smaller.
    ///
    /// ```
    /// use unspool_autograd::Tensor;
    /// use unspool_nn::data::Dataset;
    /// let data = Dataset::new(Tensor::<f32>::zeros([5, 10, 2]), Tensor::zeros([10, 1]))?;
    /// for epoch in 0..3 {
    ///     for batch in data.batches(4).shuffle(epoch).drop_last() {
    ///         assert_eq!((batch.x().shape()[..].to_vec(), batch.len()), (vec![5, 4, 2], 4));
    ///     }
    /// }
    /// assert_eq!(data.batches(4).map(|batch| batch.len()).collect::<Vec<_>>(), [4, 4, 2]);
    /// # Ok::<(), unspool_nn::data::DataError>(())
    /// ```
    ///
    /// # Panics
    /// If `batch` is 0.
    #[track_caller]
    pub fn batches(&self, batch: usize) -> Batches<'_, T> {
        assert!(batch > 0, "batches: a batch of 0 examples: it must have at least 1");
        Batches { data: Cow::Borrowed(self), batch, order: None, drop_last: false, next: 0 }
    }
}

impl<T: Scalar> Batches<'_, T> {
    /// Puts the examples in an order that depends on `seed` alone: the number of the epoch gives each its own.
    ///
    /// Without it, batches share the memory of the data set.
    pub fn shuffle(self, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..self.data.len()).collect();
        order.shuffle(&mut rng(seed));
        let order = order.chunks(self.batch).map(<[usize]>::to_vec).collect();
        self.ordered(order)
    }

    /// Puts sequences of similar length into the same batch, as [`buckets`] does: another order for each `seed`.
    ///
    /// # Panics
    /// If the data set has no [lengths](Dataset::with_lengths).
    #[track_caller]
    pub fn bucket_by_length(self, seed: u64) -> Self {
        let Some(lengths) = self.data.lengths() else {
            panic!("bucket_by_length: the data set has no lengths: set them with `with_lengths`");
        };
        let order = buckets(lengths, self.batch, seed);
        self.ordered(order)
    }

    fn ordered(self, order: Vec<Vec<usize>>) -> Self {
        let data = if self.data.is_contiguous() { self.data } else { Cow::Owned(self.data.contiguous()) };
        Batches { data, order: Some(order), ..self }
    }

    /// Leaves out the batch that is smaller than the others, if there is one.
    pub fn drop_last(self) -> Self {
        Batches { drop_last: true, ..self }
    }

    /// The number of batches of the whole pass.
    fn total(&self) -> usize {
        let n = self.data.len();
        if self.drop_last { n / self.batch } else { n.div_ceil(self.batch) }
    }
}

impl<T: Scalar> Iterator for Batches<'_, T> {
    type Item = Dataset<T>;

    fn next(&mut self) -> Option<Dataset<T>> {
        self.nth(0)
    }

    /// Batches that are passed over cost nothing.
    fn nth(&mut self, n: usize) -> Option<Dataset<T>> {
        let i = self.next.saturating_add(n);
        self.next = self.total().min(i.saturating_add(1));
        if i >= self.total() {
            return None;
        }
        Some(match &self.order {
            None => {
                let start = i * self.batch;
                self.data.slice_cut(start, self.batch.min(self.data.len() - start))
            }
            Some(order) => {
                let whole = |batch: &&Vec<usize>| !self.drop_last || batch.len() == self.batch;
                self.data.select_cut(order.iter().filter(whole).nth(i).expect("one of as many"))
            }
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.total() - self.next;
        (left, Some(left))
    }
}

impl<T: Scalar> ExactSizeIterator for Batches<'_, T> {}
impl<T: Scalar> FusedIterator for Batches<'_, T> {}
