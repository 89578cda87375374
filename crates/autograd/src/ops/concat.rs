//! Values one after the other along an axis.

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Concat {
    axis: usize,
}

impl<T: Scalar> Op<T> for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        Tensor::concat(self.axis, x.iter())
    }

    fn backward(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        let mut start = 0;
        for (i, part) in x.iter().enumerate() {
            let len = part.shape()[self.axis];
            into.add_with(i, || grad.slice(self.axis, start..start + len));
            start += len;
        }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The values one after the other along one axis; all other axes have the same sizes.
    ///
    /// # Panics
    /// If there are none, there is no such axis, the other sizes differ, or they belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn concat(axis: usize, parts: &[Self]) -> Self {
        assert!(!parts.is_empty(), "concat: no values given");
        parts[0].tape.apply(Concat { axis }, parts)
    }
}
