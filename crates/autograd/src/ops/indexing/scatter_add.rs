//! Values added at indices.

use crate::tape::{InputGrads, Inputs, Op, Var};
use unspool_tensor::{Indices, Scalar, Tensor};

#[derive(Clone)]
struct ScatterAdd {
    axis: usize,
    positions: Indices,
}

impl Op for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let mut sum = x[0].copy();
        sum.scatter_add(self.axis, &self.positions, &x[1]);
        sum
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.pass_on(1, || grad.gather(self.axis, &self.positions));
        into.pass_on(0, || grad);
    }
}

impl<T: Scalar> Var<'_, T> {
    /// This value with each element of `source` added where [`gather`](Var::gather) would pick it:
    /// along axis 1, `y = x`, then `y[i, positions[i, j]] += source[i, j]`. The shape is unchanged;
    /// `source` and `positions` have the same shape. `dx = dy`, `dsource = dy` gathered.
    ///
    /// ```
    /// use unspool::{Indices, Tape, Tensor};
    /// let tape = Tape::new();
    /// let (sum, source) = (tape.constant(&Tensor::zeros([1, 3])), tape.variable(&Tensor::<f32>::ones([1, 2])));
    /// let sum = sum.scatter_add(1, Indices::from_vec(vec![2, 2], [1, 2]), source);
    /// assert_eq!(sum.value().to_vec(), [0.0, 0.0, 2.0]);
    /// assert_eq!(sum.square().sum().backward().wrt(source).to_vec(), [4.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If [`gather`](Var::gather) would panic, `source` has another shape than `positions`, or the
    /// two belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn scatter_add(self, axis: usize, positions: impl Into<Indices>, source: Self) -> Self {
        self.tape.apply(ScatterAdd { axis, positions: positions.into() }, &[self, source])
    }
}
