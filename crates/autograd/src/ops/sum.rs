//! The sum over all axes, or some.

use super::axes::Axes;
use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Sum(Axes);

impl<T: Scalar> Op<T> for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].sum_axes(self.0.as_slice())
    }

    fn backward(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        let shape = x[0].shape();
        into.add_with(0, || self.0.restore(&grad, shape).expand(shape));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The sum of all elements, of rank 0.
    #[inline]
    pub fn sum(self) -> Self {
        self.unary(Sum(Axes::all(self.shape())))
    }

    /// The sums over several axes; these are gone from the result.
    ///
    /// # Panics
    /// If an axis does not exist or is named twice.
    #[track_caller]
    #[inline]
    pub fn sum_axes(self, axes: &[usize]) -> Self {
        self.unary(Sum(Axes::new(axes)))
    }
}
