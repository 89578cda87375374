//! Values side by side along a new first axis.

use crate::forget::Reads;
use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Stack;

impl<T: Scalar> Op<T> for Stack {
    fn name(&self) -> &'static str {
        "stack"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        Tensor::stack(x.iter())
    }

    fn reads(&self) -> Reads {
        Reads::NOTHING
    }

    fn backward(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        for i in 0..x.len() {
            into.add_with(i, || grad.select(0, i)); // a view: one buffer for the gradients of all steps
        }
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The values, all of one shape, along a new first axis: the steps of a sequence, `T` times `[B, F] -> [T, B, F]`.
    /// The gradient of step `t` is `dy_t`.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor, Var};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![1.0, 2.0], [2]));
    /// let b = tape.variable(&Tensor::from_vec(vec![3.0, 4.0], [2]));
    /// let y = Var::stack(&[a, b]);
    /// assert_eq!(y.shape()[..], [2, 2]);
    /// assert_eq!(y.last().sum().backward().wrt(b).to_vec(), [1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there are none, their shapes differ or have [`MAX_RANK`](crate::MAX_RANK) axes already, or they belong to
    /// different tapes.
    #[track_caller]
    #[inline]
    pub fn stack(parts: &[Self]) -> Self {
        assert!(!parts.is_empty(), "stack: no values given");
        parts[0].tape.apply(Stack, parts)
    }
}
