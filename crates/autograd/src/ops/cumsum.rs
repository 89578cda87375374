//! Running sums.

use super::axes::Axes;
use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Cumsum {
    axis: usize,
}

impl<T: Scalar> Op<T> for Cumsum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].scan(self.axis, |sum, x| sum + x)
    }

    fn backward(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        // What an element is part of: the sums from its place on.
        into.add_with(0, || grad.flip(self.axis).scan(self.axis, |sum, g| sum + g).flip(self.axis));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The sum of each element and all before it along one axis.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn cumsum(self, axis: usize) -> Self {
        Axes::new("cumsum", self.shape(), &[axis]);
        self.unary(Cumsum { axis })
    }
}
