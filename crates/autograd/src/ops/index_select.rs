//! Positions of an axis, picked.

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct IndexSelect {
    axis: usize,
    positions: Vec<usize>,
}

impl<T: Scalar> Op<T> for IndexSelect {
    fn name(&self) -> &'static str {
        "index_select"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].index_select(self.axis, &self.positions)
    }

    fn backward(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        for (i, &position) in self.positions.iter().enumerate() {
            into.add_part(0, self.axis, position, &grad.slice(self.axis, i, 1));
        }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The elements at the given positions of one axis, in that order: rows of an embedding, batches of a data set.
    /// The gradients of a position picked several times add up.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0], [3]));
    /// let picked = x.index_select(0, &[2, 0, 2]);
    /// assert_eq!(picked.value().to_vec(), [3.0, 1.0, 3.0]);
    /// assert_eq!(picked.sum().backward().wrt(x).to_vec(), [1.0, 0.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or a position lies beyond it.
    #[track_caller]
    #[inline]
    pub fn index_select(self, axis: usize, positions: &[usize]) -> Self {
        self.unary(IndexSelect { axis, positions: positions.to_vec() })
    }
}
