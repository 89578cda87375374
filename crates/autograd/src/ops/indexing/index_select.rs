//! Indices of an axis, picked: the lookup of an embedding.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Indices, Scalar, Tensor};

#[derive(Clone)]
struct IndexSelect {
    axis: usize,
    positions: Indices,
}

impl Op for IndexSelect {
    fn name(&self) -> &'static str {
        "index_select"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].index_select(self.axis, &self.positions)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.update(0, |sum| sum.index_add(self.axis, &self.positions, &grad));
    }
}

/// # Indexing
impl<T: Scalar> Var<'_, T> {
    /// The elements at the given indices of one axis, in that order; the axes of `positions`
    /// replace that axis (NumPy's `take`). With axis 0 this is the lookup of an embedding: a table
    /// `[V, E]` and tokens `[T, B]` make `[T, B, E]`.
    ///
    /// Along axis 0, `y_i = x_p(i)` and `dx_j = sum over i with p(i) = j of dy_i`: the gradients of
    /// an index that is picked several times add up.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0], [3]));
    /// let picked = x.index_select(0, [2, 0, 2]);
    /// assert_eq!(picked.value().to_vec(), [3.0, 1.0, 3.0]);
    /// assert_eq!(picked.sum().backward().wrt(x).to_vec(), [1.0, 0.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, an index is out of range, or the result would have more than
    /// [`MAX_RANK`](crate::MAX_RANK) axes.
    #[doc(alias = "embedding")]
    #[doc(alias = "take")]
    #[track_caller]
    #[inline]
    pub fn index_select(self, axis: usize, positions: impl Into<Indices>) -> Self {
        self.unary(IndexSelect { axis, positions: positions.into() })
    }
}
