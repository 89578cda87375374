//! `-x`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Neg = "neg";
    value: |x| -x;
    derivative: |_, _| -T::ONE;
}

/// Each element with the other sign: `y = -x`, `dy/dx = -1`.
///
/// ```
/// use unspool_autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.variable(&Tensor::from_vec(vec![2.0, -3.0], [2]));
/// assert_eq!((-x).value().to_vec(), [-2.0, 3.0]);
/// assert_eq!((-x).sum().backward().wrt(x).to_vec(), [-1.0, -1.0]);
/// ```
impl<T: Scalar> std::ops::Neg for Var<'_, T> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        self.unary(Neg)
    }
}
