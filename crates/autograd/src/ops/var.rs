//! Variance and standard deviation.

use super::axes::Axes;
use crate::var::Var;
use unspool_tensor::Scalar;

impl<T: Scalar> Var<'_, T> {
    /// The variance over several axes, which are gone from the result: `sum((x - mean)²) / (n - correction)`.
    ///
    /// `correction` is 1 for the unbiased estimate (PyTorch's default), 0 for the mean squared deviation (NumPy's, and
    /// what layer normalisation uses). NaN where `n` is not greater than `correction`.
    ///
    /// # Panics
    /// If an axis does not exist or is named twice.
    #[track_caller]
    pub fn var_axes(self, axes: &[usize], correction: usize) -> Self {
        let n = Axes::new("var_axes", self.shape(), axes).terms(self.shape()) as f64 - correction as f64;
        let squares = (self - self.mean_keepdim(axes)).square().sum_axes(axes);
        squares / n.max(0.0)
    }

    /// The standard deviation over several axes: the square root of [`var_axes`](Var::var_axes). Its gradient is not
    /// finite where all elements are equal.
    ///
    /// # Panics
    /// If an axis does not exist or is named twice.
    #[track_caller]
    pub fn std_axes(self, axes: &[usize], correction: usize) -> Self {
        self.var_axes(axes, correction).sqrt()
    }
}
