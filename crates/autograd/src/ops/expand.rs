//! Repetition by broadcasting.

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Shape, Tensor};

struct Expand(Shape);

impl<T: Scalar> Op<T> for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].expand(self.0)
    }

    fn backward(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add(0, grad); // summed back to the input's shape there
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The value as if repeated to `shape`, by the rules of broadcasting; nothing is copied. The gradient is summed
    /// over the repetitions.
    ///
    /// # Panics
    /// If the value does not broadcast to `shape`.
    #[track_caller]
    #[inline]
    pub fn expand(self, shape: impl Into<Shape>) -> Self {
        self.unary(Expand(shape.into()))
    }
}
