//! `a b`, elementwise: each gradient is the other factor's value.

use crate::forget::Saves;
use crate::op::{InputGrads, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Mul;

impl<T: Scalar> Op<T> for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip(
            "mul",
            &x[1],
            #[inline(always)]
            |a, b| a * b,
        )
    }

    fn saves(&self) -> Saves {
        Saves::INPUTS
    }

    fn backward(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_with(0, || grad.zip("mul", &x[1], #[inline(always)] |g, b| g * b));
        into.add_with(1, || grad.into_zip("mul", &x[0], #[inline(always)] |g, a| g * a));
    }
}

super::binary_operator! {
    /// The product of each pair of elements: `y = a b`, `da = b dy`, `db = a dy`.
    ///
    /// The shapes broadcast; the gradient of an operand that was repeated is summed over the repetitions.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![6.0, 4.0], [2]));
    /// let b = tape.variable(&Tensor::scalar(2.0));
    /// let y = a * b;
    /// assert_eq!(y.value().to_vec(), [12.0, 8.0]);
    /// let gradients = y.sum().backward();
    /// assert_eq!(gradients.wrt(a).to_vec(), [2.0, 2.0]);
    /// assert_eq!(gradients.wrt(b).item(), 10.0);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    Mul, mul, Mul
}
