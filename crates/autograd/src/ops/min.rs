//! The smallest element over all axes, or some.

use super::axes::{Axes, reduction};
use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Min(Axes);

impl<T: Scalar> Op<T> for Min {
    fn name(&self) -> &'static str {
        "min"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        self.0.finish(x[0].min_axes(self.0.as_slice()), x[0].shape())
    }

    fn backward(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        let shape = x[0].shape();
        into.add_with(0, || {
            let (y, grad) = (self.0.restore(y, shape), self.0.restore(&grad, shape));
            let chosen = x[0].zip("min", &y, #[inline(always)] |x, y| if x == y { T::ONE } else { T::ZERO });
            let ties = self.0.restore(&chosen.sum_axes(self.0.as_slice()), shape);
            let share = grad.zip("min", &ties, #[inline(always)] |g, n| g / n);
            chosen.zip("min", &share, #[inline(always)] |chosen, share| chosen * share)
        });
    }
}

reduction!(Min, min, min_axes, min_keepdim, "smallest element", "the gradient goes to it, in equal parts at a tie (as `torch.amin` has it); NaN if any is.");
