//! An axis in reverse.

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Flip {
    axis: usize,
}

impl<T: Scalar> Op<T> for Flip {
    fn name(&self) -> &'static str {
        "flip"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].flip(self.axis)
    }

    fn backward(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || grad.flip(self.axis));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The elements of one axis in reverse order: a sequence backwards in time.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    #[inline]
    pub fn flip(self, axis: usize) -> Self {
        self.unary(Flip { axis })
    }
}
