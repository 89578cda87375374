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

    /// The value with a new axis of size 1 before `axis`.
    ///
    /// # Panics
    /// If `axis` is greater than the rank.
    #[track_caller]
    #[inline]
    pub fn unsqueeze(self, axis: usize) -> Self {
        let shape = self.shape();
        assert!(axis <= shape.rank(), "unsqueeze: axis {axis} does not fit into shape {shape}");
        self.reshape(shape.insert(axis, 1))
    }

    /// The value without `axis`, which has size 1.
    ///
    /// # Panics
    /// If there is no such axis, or its size is not 1.
    #[track_caller]
    #[inline]
    pub fn squeeze(self, axis: usize) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank() && shape[axis] == 1, "squeeze: axis {axis} of shape {shape} is not of size 1");
        self.reshape(shape.remove(axis))
    }
}
