//! `a / b`, elementwise: `dy/da = 1/b`, `dy/db = -y/b`.

use crate::op::{InputGrads, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Div;

impl<T: Scalar> Op<T> for Div {
    fn name(&self) -> &'static str {
        "div"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip(
            "div",
            &x[1],
            #[inline(always)]
            |a, b| a / b,
        )
    }

    fn backward(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_with(0, || grad.zip("div", &x[1], #[inline(always)] |g, b| g / b));
        into.add_with(1, || grad.zip3("div", y, &x[1], #[inline(always)] |g, y, b| -g * y / b));
    }
}

super::binary_operator! {
    /// The quotient of each pair of elements: `y = a / b`, `da = dy / b`, `db = -dy y / b`. Dividing by 0 gives an
    /// infinity, or NaN for `0 / 0`.
    ///
    /// The shapes broadcast; the gradient of an operand that was repeated is summed over the repetitions.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![6.0, 4.0], [2]));
    /// let b = tape.variable(&Tensor::scalar(2.0));
    /// let y = a / b;
    /// assert_eq!(y.value().to_vec(), [3.0, 2.0]);
    /// let gradients = y.sum().backward();
    /// assert_eq!(gradients.wrt(a).to_vec(), [0.5, 0.5]);
    /// assert_eq!(gradients.wrt(b).item(), -2.5);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    Div, div, Div
}
