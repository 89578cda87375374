//! Means.

use crate::scalar::Scalar;
use crate::tensor::Tensor;

impl<T: Scalar> Tensor<T> {
    /// The mean of all elements, as a tensor of rank 0; NaN if there are none.
    pub fn mean(&self) -> Tensor<T> {
        self.mean_from(self.sum(), self.numel(), Tensor::sum)
    }

    /// The means over several axes, which are removed.
    ///
    /// ```
    /// use unspool::Tensor;
    /// let x = Tensor::<f32>::from_vec(vec![1.0, 5.0, 2.0, 0.0], [2, 2]);
    /// assert_eq!(x.mean_axes(&[1]).to_vec(), [3.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If an axis does not exist or is named twice.
    #[track_caller]
    pub fn mean_axes(&self, axes: &[usize]) -> Tensor<T> {
        let sum = self.sum_over("mean_axes", axes);
        let n = axes.iter().map(|&axis| self.layout().shape[axis]).product();
        self.mean_from(sum, n, |x| x.sum_over("mean_axes", axes))
    }

    /// The means of `n` elements each, from their sums.
    fn mean_from(&self, sum: Tensor<T>, n: usize, sum_again: impl FnOnce(&Tensor<T>) -> Tensor<T>) -> Tensor<T> {
        let n = T::from_f64(n as f64);
        let mean = sum.map(|s| s / n);
        // A sum can overflow where the mean does not: then the elements are divided first. (The mean of no elements is NaN
        // for another reason.)
        let is_finite = |x: &Tensor<T>| x.contiguous().as_slice().is_some_and(|x| x.iter().all(|x| x.is_finite()));
        let is_right = self.numel() == 0 || is_finite(&mean) || !is_finite(self);
        if is_right { mean } else { sum_again(&self.map(|x| x / n)) }
    }
}
