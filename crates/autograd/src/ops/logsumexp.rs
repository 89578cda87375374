//! `ln(sum(exp(x)))`

use super::axes::Axes;
use crate::var::Var;
use unspool_tensor::Scalar;

impl<T: Scalar> Var<'_, T> {
    /// `ln(sum(exp(x)))` over several axes, which are gone from the result: a smooth maximum. `dx = softmax(x) dy`.
    ///
    /// The largest element is subtracted first and added again, so no element is too large.
    ///
    /// # Panics
    /// If an axis does not exist, is named twice, or is empty.
    #[track_caller]
    pub fn logsumexp(self, axes: &[usize]) -> Self {
        let restored = Axes::new("logsumexp", self.shape(), axes);
        let max = self.value().max_axes(axes).map(|max| if max.is_finite() { max } else { T::ZERO });
        let kept = self.tape.constant(&restored.restore(&max, self.shape()));
        (self - kept).exp().sum_axes(axes).ln() + self.tape.constant(&max)
    }
}
