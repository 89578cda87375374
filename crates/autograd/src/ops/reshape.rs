//! The same elements under another shape.

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Shape, Tensor};

struct Reshape(Shape);

impl<T: Scalar> Op<T> for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].reshape(self.0)
    }

    fn backward(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || grad.reshape(x[0].shape()));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The same elements, in row-major order, under another shape.
    ///
    /// # Panics
    /// If the shapes have different numbers of elements.
    #[track_caller]
    #[inline]
    pub fn reshape(self, shape: impl Into<Shape>) -> Self {
        self.unary(Reshape(shape.into()))
    }
}
