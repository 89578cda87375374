//! Batch after batch.

use crate::dataset::Dataset;
use crate::random::rng;
use rand::seq::SliceRandom;
use std::iter::FusedIterator;
use unspool_autograd::Scalar;

/// The batches of a data set, one pass over it: what [`Dataset::batches`] returns.
#[derive(Clone, Debug)]
pub struct Batches<'a, T: Scalar> {
    data: &'a Dataset<T>,
    batch: usize,
    /// `None`: as the examples stand.
    order: Option<Vec<usize>>,
    /// The next example, and the one behind the last.
    next: usize,
    end: usize,
}

impl<T: Scalar> Dataset<T> {
    /// The examples in batches of `batch`, for a training loop of one's own. The last one may be smaller.
    ///
    /// ```
    /// use unspool_autograd::Tensor;
    /// use unspool_nn::Dataset;
    /// let data = Dataset::new(Tensor::<f32>::zeros([5, 10, 2]), Tensor::zeros([10, 1]))?;
    /// for epoch in 0..3 {
    ///     for batch in data.batches(4).shuffle(epoch).drop_last() {
    ///         assert_eq!((batch.x().shape()[..].to_vec(), batch.len()), (vec![5, 4, 2], 4));
    ///     }
    /// }
    /// assert_eq!(data.batches(4).map(|batch| batch.len()).collect::<Vec<_>>(), [4, 4, 2]);
    /// # Ok::<(), unspool_nn::DataError>(())
    /// ```
    ///
    /// # Panics
    /// If `batch` is 0.
    #[track_caller]
    pub fn batches(&self, batch: usize) -> Batches<'_, T> {
        assert!(batch > 0, "batches: a batch of 0 examples: it must have at least 1");
        Batches { data: self, batch, order: None, next: 0, end: self.len() }
    }
}

impl<T: Scalar> Batches<'_, T> {
    /// Puts the examples in an order that depends on `seed` alone: the number of the epoch gives each its own.
    ///
    /// Without it, batches share the memory of the data set.
    pub fn shuffle(self, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..self.data.len()).collect();
        order.shuffle(&mut rng(seed));
        Batches { order: Some(order), ..self }
    }

    /// Leaves out the last batch if it is smaller than the others.
    pub fn drop_last(self) -> Self {
        let whole = (self.end - self.next) / self.batch * self.batch;
        Batches { end: self.next + whole, ..self }
    }
}

impl<T: Scalar> Iterator for Batches<'_, T> {
    type Item = Dataset<T>;

    fn next(&mut self) -> Option<Dataset<T>> {
        let (start, len) = (self.next, self.batch.min(self.end - self.next));
        self.next += len;
        (len > 0).then(|| match &self.order {
            Some(order) => self.data.select(&order[start..start + len]),
            None => self.data.slice(start, len),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.end - self.next).div_ceil(self.batch);
        (left, Some(left))
    }
}

impl<T: Scalar> ExactSizeIterator for Batches<'_, T> {}
impl<T: Scalar> FusedIterator for Batches<'_, T> {}
