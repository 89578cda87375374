//! The length of vectors.

use super::axes::Axes;
use crate::var::Var;
use unspool_tensor::Scalar;

impl<T: Scalar> Var<'_, T> {
    /// The Euclidean norm over several axes, which are gone from the result: `sqrt(sum(x²))`. `dx = dy x / y`, not
    /// finite where the norm is 0.
    ///
    /// # Panics
    /// If an axis does not exist or is named twice.
    #[track_caller]
    pub fn norm(self, axes: &[usize]) -> Self {
        Axes::new("norm", self.shape(), axes);
        self.square().sum_axes(axes).sqrt()
    }
}
