//! The largest element over all axes, or some.

use super::axes::{Axes, reduction};
use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Max(Axes);

impl<T: Scalar> Op<T> for Max {
    fn name(&self) -> &'static str {
        "max"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        self.0.finish(x[0].max_axes(self.0.as_slice()), x[0].shape())
    }

    fn backward(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        let shape = x[0].shape();
        into.add_with(0, || {
            let (y, grad) = (self.0.restore(y, shape), self.0.restore(&grad, shape));
            let chosen = x[0].zip("max", &y, #[inline(always)] |x, y| if x == y { T::ONE } else { T::ZERO });
            let ties = self.0.restore(&chosen.sum_axes(self.0.as_slice()), shape);
            let share = grad.zip("max", &ties, #[inline(always)] |g, n| g / n);
            chosen.zip("max", &share, #[inline(always)] |chosen, share| chosen * share)
        });
    }
}

reduction!(Max, max, max_axes, max_keepdim, "largest element", "the gradient goes to it, in equal parts at a tie (as `torch.amax` has it); NaN if any is.");
