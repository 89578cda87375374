//! One element for each index of a result.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Indices, Scalar, Shape, Tensor};

#[derive(Clone)]
struct Gather {
    axis: usize,
    positions: Indices,
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].gather(self.axis, &self.positions)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.update(0, |sum| sum.scatter_add(self.axis, &self.positions, &grad));
    }
}

impl<T: Scalar> Var<'_, T> {
    /// For each element of `positions`, the element with this index along `axis` and the same
    /// indices along the other axes: along axis 1, `[M, N]` at positions `[M, K]` gives `[M, K]`,
    /// `y[i, j] = x[i, positions[i, j]]`.
    ///
    /// `dx[i, positions[i, j]] += dy[i, j]`: the gradients of an element that is picked several
    /// times add up.
    ///
    /// ```
    /// use unspool::{Indices, Tape, Tensor};
    /// let tape = Tape::new();
    /// let scores = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]));
    /// let picked = scores.gather(1, Indices::from_vec(vec![1, 0], [2, 1])); // the score of each row's class
    /// assert_eq!(picked.value().to_vec(), [2.0, 3.0]);
    /// assert_eq!(picked.sum().backward().wrt(scores).to_vec(), [0.0, 1.0, 1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, the ranks differ, `positions` is larger along another axis, or an
    /// index is out of range.
    #[track_caller]
    #[inline]
    pub fn gather(self, axis: usize, positions: impl Into<Indices>) -> Self {
        self.unary(Gather { axis, positions: positions.into() })
    }

    /// Like [`gather`](Var::gather), where the value and `positions` broadcast to each other along
    /// all axes but `axis` (NumPy's `take_along_axis`): along axis 1, `[M, N]` at positions
    /// `[1, K]` gives `[M, K]`, `y[i, j] = x[i, positions[0, j]]`. The gradients of an element that
    /// is picked several times add up.
    ///
    /// ```
    /// use unspool::{Indices, Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]));
    /// let y = x.take_along(1, Indices::from_vec(vec![1], [1, 1]));
    /// assert_eq!(y.value().to_vec(), [2.0, 4.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, the ranks differ, the shapes do not broadcast along the others, or
    /// an index is out of range.
    #[track_caller]
    pub fn take_along(self, axis: usize, positions: impl Into<Indices>) -> Self {
        let (positions, shape) = (positions.into(), self.shape());
        let given = positions.shape();
        shape.require_axis("take_along", axis);
        let common = (given.rank() == shape.rank()).then(|| shape.with(axis, 1).broadcast(&given.with(axis, 1)));
        let Some(common) = common.flatten() else {
            fail!("take_along: shape {shape} and positions {given} do not broadcast outside axis {axis}")
        };
        if let Some(bad) = positions.as_slice().iter().find(|&&position| position >= shape[axis]) {
            fail!("take_along: index {bad} is beyond axis {axis} of shape {shape}");
        }
        let expanded = |shape: Shape| common.with(axis, shape[axis]);
        self.expand(expanded(shape)).gather(axis, positions.expand(expanded(given)))
    }
}
