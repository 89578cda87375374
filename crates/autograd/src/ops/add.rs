//! `a + b`, elementwise: both gradients are that of the sum.

use crate::forget::Saves;
use crate::op::{InputGrads, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Add;

impl<T: Scalar> Op<T> for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip(
            "add",
            &x[1],
            #[inline(always)]
            |a, b| a + b,
        )
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_with(0, || grad.clone());
        into.add(1, grad);
    }
}

super::binary_operator! {
    /// The sum of each pair of elements: `y = a + b`, `da = dy`, `db = dy`.
    ///
    /// The shapes broadcast; the gradient of an operand that was repeated is summed over the repetitions.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![6.0, 4.0], [2]));
    /// let b = tape.variable(&Tensor::scalar(2.0));
    /// let y = a + b;
    /// assert_eq!(y.value().to_vec(), [8.0, 6.0]);
    /// let gradients = y.sum().backward();
    /// assert_eq!(gradients.wrt(a).to_vec(), [1.0, 1.0]);
    /// assert_eq!(gradients.wrt(b).item(), 2.0);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    Add, add, Add
}
