//! The products of vectors.

use crate::tape::Var;
use unspool_tensor::Scalar;

impl<T: Scalar> Var<'_, T> {
    /// The inner product of two vectors, `[N] x [N] -> []`: `y = sum(x w)`, `dx = w dy`,
    /// `dw = x dy`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// let b = tape.variable(&Tensor::from_vec(vec![3.0, 4.0], [2]));
    /// assert_eq!(a.dot(b).item(), 11.0);
    /// assert_eq!(a.dot(b).backward().wrt(a).to_vec(), [3.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If the two are not vectors of one length, or belong to different tapes.
    #[track_caller]
    pub fn dot(self, other: Self) -> Self {
        let (a, b) = (self.shape(), other.shape());
        ensure!(a.rank() == 1 && a == b, "dot: shapes {a} and {b} are not two vectors of one length");
        (self * other).sum()
    }

    /// The outer product of two vectors, `[M] x [N] -> [M, N]`: `y_ij = x_i w_j`, `dx = dy w`,
    /// `dw = dyᵀ x`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// let b = tape.variable(&Tensor::from_vec(vec![3.0, 4.0, 5.0], [3]));
    /// let y = a.outer(b);
    /// assert_eq!(y.value().to_vec(), [3.0, 4.0, 5.0, 6.0, 8.0, 10.0]);
    /// assert_eq!(y.sum().backward().wrt(a).to_vec(), [12.0, 12.0]);
    /// ```
    ///
    /// # Panics
    /// If the two are not vectors, or belong to different tapes.
    #[track_caller]
    pub fn outer(self, other: Self) -> Self {
        let (a, b) = (self.shape(), other.shape());
        ensure!(a.rank() == 1 && b.rank() == 1, "outer: shapes {a} and {b} are not two vectors");
        self.unsqueeze(1) * other
    }
}
