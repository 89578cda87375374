//! Values joined along a new axis.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

#[derive(Clone)]
struct Stack {
    axis: usize,
}

impl Op for Stack {
    fn name(&self) -> &'static str {
        "stack"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        Tensor::stack(self.axis, x.iter())
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        for i in 0..x.len() {
            into.pass_on(i, || grad.select(self.axis, i)); // a view: one buffer for the gradients of all steps
        }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The values, all of one shape, joined along a new axis, which is `axis` of the result. Along
    /// axis 0 they are the steps of a sequence, `T` times `[B, F] -> [T, B, F]`; along axis 1 they
    /// would make `[B, T, F]`. The gradient of each value is `dy` at its index of that axis.
    ///
    /// ```
    /// use unspool::{Tape, Tensor, Var};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// let b = tape.variable(&Tensor::from_vec(vec![3.0, 4.0], [2]));
    /// let y = Var::stack(0, &[a, b]);
    /// assert_eq!(y.value().to_vec(), [1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(y.last().sum().backward().wrt(b).to_vec(), [1.0, 1.0]);
    /// assert_eq!(Var::stack(1, &[a, b]).value().to_vec(), [1.0, 3.0, 2.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If there are none, their shapes differ or have [`MAX_RANK`](crate::MAX_RANK) axes already,
    /// `axis` is greater than their rank, or they belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn stack(axis: usize, values: &[Self]) -> Self {
        ensure!(!values.is_empty(), "stack: no values given");
        values[0].tape.apply(Stack { axis }, values)
    }
}
