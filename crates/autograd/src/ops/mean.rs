//! The mean over all axes, or some.

use super::axes::Axes;
use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Mean(Axes);

impl<T: Scalar> Op<T> for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].mean_axes(self.0.as_slice())
    }

    fn backward(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        let shape = x[0].shape();
        let n = T::from_f64(self.0.as_slice().iter().map(|&axis| shape[axis] as f64).product());
        into.add_with(0, || self.0.restore(&grad.map(|g| g / n), shape).expand(shape));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The mean of all elements, of rank 0.
    #[inline]
    pub fn mean(self) -> Self {
        self.unary(Mean(Axes::all(self.shape())))
    }

    /// The means over several axes; these are gone from the result.
    ///
    /// # Panics
    /// If an axis does not exist or is named twice.
    #[track_caller]
    #[inline]
    pub fn mean_axes(self, axes: &[usize]) -> Self {
        self.unary(Mean(Axes::new(axes)))
    }
}
