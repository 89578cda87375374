//! From one value towards another, elementwise.

use super::Operand;
use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Lerp = "lerp";
    value: |[x, end, weight]| x + weight * (end - x);
    gradients: |[x, end, weight], _, dy| [dy * (T::ONE - weight), dy * weight, dy * (end - x)];
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The part `weight` of the way from each element to that of `end`: `y = x + weight (end - x)`, which is
    /// `(1 - weight) x + weight end`. The three shapes broadcast.
    ///
    /// `dx = (1 - weight) dy`, `d end = weight dy`, `d weight = (end - x) dy`. One value on the tape: the update of a gated
    /// state.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let [x, end, weight] = [4.0, 8.0, 0.25].map(|x| tape.variable(&Tensor::<f64>::scalar(x)));
    /// let y = x.lerp(end, weight);
    /// assert_eq!(y.item(), 5.0);
    /// let gradients = y.backward();
    /// assert_eq!([x, end, weight].map(|x| gradients.wrt(x).item()), [0.75, 0.25, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If the three shapes do not broadcast, or they belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn lerp(self, end: Self, weight: impl Operand<'t, T>) -> Self {
        self.tape.apply(Lerp, &[self, end, weight.on(self.tape)])
    }
}
