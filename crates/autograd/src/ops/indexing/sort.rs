//! Sorting.

use crate::tape::Var;
use unspool_tensor::{Indices, Scalar};

impl<T: Scalar> Var<'_, T> {
    /// The elements along one axis in ascending order, and their indices in this value: along axis
    /// 1, `[M, N] -> [M, N]` and `y[i, j] = x[i, positions[i, j]]`. `dx` is `dy`, put back at these
    /// indices.
    ///
    /// Equal elements keep their order, and NaN is the largest (as in PyTorch). In descending
    /// order: [`topk`](Var::topk) of `N`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![3.0, 1.0, 2.0], [3]));
    /// let (y, positions) = x.sort(0);
    /// assert_eq!(y.value().to_vec(), [1.0, 2.0, 3.0]);
    /// assert_eq!(positions.as_slice(), [1, 2, 0]);
    /// assert_eq!(y.select(0, 0).backward().wrt(x).to_vec(), [0.0, 1.0, 0.0]); // of the smallest
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn sort(self, axis: usize) -> (Self, Indices) {
        self.shape().require_axis("sort", axis);
        let positions = self.value().argsort(axis);
        (self.gather(axis, &positions), positions)
    }

    /// The `k` largest elements along one axis, the largest first, and their indices in this value:
    /// along axis 1, `[M, N] -> [M, K]` and `y[i, j] = x[i, positions[i, j]]`. `dx` is `dy` at
    /// these indices and 0 elsewhere.
    ///
    /// Equal elements keep their order, and NaN is the largest (as in PyTorch). The `k` smallest
    /// are the first of [`sort`](Var::sort).
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![3.0, 1.0, 4.0], [3]));
    /// let (y, positions) = x.topk(0, 2);
    /// assert_eq!(y.value().to_vec(), [4.0, 3.0]);
    /// assert_eq!(positions.as_slice(), [2, 0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is shorter than `k`.
    #[track_caller]
    pub fn topk(self, axis: usize, k: usize) -> (Self, Indices) {
        let shape = self.shape();
        shape.require_axis("topk", axis);
        ensure!(k <= shape[axis], "topk: axis {axis} of shape {shape} has no {k} elements");
        let positions = self.value().argtopk(axis, k);
        (self.gather(axis, &positions), positions)
    }
}
