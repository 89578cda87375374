//! The same elements in another shape.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{MAX_RANK, Scalar, Shape, Tensor};

#[derive(Clone)]
struct Reshape(Shape);

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    #[inline(always)] // as in elementwise!
    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].reshape(self.0)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.pass_on(0, || grad.reshape(x[0].shape()));
    }
}

/// # Shape
impl<T: Scalar> Var<'_, T> {
    /// The same elements, in row-major order, in another shape: `[2, 3] -> [6]`. `dx` is `dy` in
    /// the old shape.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]));
    /// let y = x.reshape([4, 1]);
    /// assert_eq!(y.shape()[..], [4, 1]);
    /// assert_eq!(y.value().to_vec(), [1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(y.sum().backward().wrt(x).shape()[..], [2, 2]);
    /// ```
    ///
    /// # Panics
    /// If the shapes have different numbers of elements.
    #[track_caller]
    #[inline]
    pub fn reshape(self, shape: impl Into<Shape>) -> Self {
        self.unary(Reshape(shape.into()))
    }

    /// The value with a new axis of size 1 before `axis`: before axis 1, `[M, N] -> [M, 1, N]`.
    /// `dx` is `dy` without it.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::<f32>::zeros([2, 3]));
    /// assert_eq!(x.unsqueeze(0).shape()[..], [1, 2, 3]);
    /// assert_eq!(x.unsqueeze(2).shape()[..], [2, 3, 1]);
    /// ```
    ///
    /// # Panics
    /// If `axis` is greater than the rank, or the rank is [`MAX_RANK`](crate::MAX_RANK) already.
    #[track_caller]
    #[inline]
    pub fn unsqueeze(self, axis: usize) -> Self {
        let shape = self.shape();
        ensure!(axis <= shape.rank(), "unsqueeze: axis {axis} does not fit into shape {shape}");
        ensure!(shape.rank() < MAX_RANK, "unsqueeze: shape {shape} has {MAX_RANK} axes, the most there can be");
        self.reshape(shape.insert(axis, 1))
    }

    /// The value without `axis`, which has size 1: axis 1 of `[M, 1, N] -> [M, N]`. `dx` is `dy`
    /// with it.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::<f32>::zeros([2, 1, 3]));
    /// assert_eq!(x.squeeze(1).shape()[..], [2, 3]);
    /// assert_eq!(x.squeeze(1).sum().backward().wrt(x).shape()[..], [2, 1, 3]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or its size is not 1.
    #[track_caller]
    #[inline]
    pub fn squeeze(self, axis: usize) -> Self {
        let shape = self.shape();
        shape.require_axis("squeeze", axis);
        ensure!(shape[axis] == 1, "squeeze: axis {axis} of shape {shape} is not of size 1");
        self.reshape(shape.remove(axis))
    }
}
