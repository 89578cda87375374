//! The larger of two values, elementwise.

use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Maximum;

impl<T: Scalar> Op<T> for Maximum {
    fn name(&self) -> &'static str {
        "maximum"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        // NaN on either side wins.
        x[0].zip("maximum", &x[1], #[inline(always)] |a, b| if a > b || a.is_nan() { a } else { b })
    }

    fn backward(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || grad.zip3("maximum", &x[0], &x[1], #[inline(always)] |g, a, b| g * share(a, b)));
        into.add_with(1, || grad.zip3("maximum", &x[1], &x[0], #[inline(always)] |g, b, a| g * share(b, a)));
    }
}

/// What of the gradient goes to `a`: all, half at a tie, or nothing.
#[inline(always)]
fn share<T: Scalar>(a: T, b: T) -> T {
    if a > b {
        T::ONE
    } else if a == b {
        T::from_f64(0.5)
    } else {
        T::ZERO
    }
}

impl<T: Scalar> Var<'_, T> {
    /// The larger of each pair of elements; NaN if either is. The gradient goes to the larger one, half to each at
    /// a tie (as PyTorch has it).
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline]
    pub fn maximum(self, other: Self) -> Self {
        self.tape.apply(Maximum, &[self, other])
    }
}
