//! Repetition by broadcasting.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Shape, Tensor};

#[derive(Clone)]
struct Expand(Shape);

impl Op for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].expand(self.0)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.pass_on(0, || grad); // summed back to the input's shape there
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The value broadcast to `shape`, `[M, 1] -> [K, M, N]`; nothing is copied. `dx` is the sum of
    /// `dy` over the repetitions.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2, 1]));
    /// let y = x.expand([2, 3]);
    /// assert_eq!(y.value().to_vec(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [3.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// If the value does not broadcast to `shape`.
    #[track_caller]
    #[inline]
    pub fn expand(self, shape: impl Into<Shape>) -> Self {
        self.unary(Expand(shape.into()))
    }
}
