//! The largest or the smallest element over all axes, or some.

use super::axes::{Axes, reduction};
use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

/// The largest one, or the smallest.
struct Best<const LARGEST: bool>(Axes);

impl<T: Scalar, const LARGEST: bool> Op<T> for Best<LARGEST> {
    fn name(&self) -> &'static str {
        if LARGEST { "max" } else { "min" }
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let axes = self.0.as_slice();
        let best = if LARGEST { x[0].max_axes(axes) } else { x[0].min_axes(axes) };
        self.0.finish(best, x[0].shape())
    }

    fn backward(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        let shape = x[0].shape();
        into.add_with(0, || {
            let (y, grad) = (self.0.restore(y, shape), self.0.restore(&grad, shape));
            let chosen = x[0].zip("chosen", &y, #[inline(always)] |x, y| if x == y { T::ONE } else { T::ZERO });
            let ties = self.0.restore(&chosen.sum_axes(self.0.as_slice()), shape);
            let share = grad.zip("share", &ties, #[inline(always)] |g, n| g / n);
            chosen.zip("share", &share, #[inline(always)] |chosen, share| chosen * share)
        });
    }
}

reduction!(
    Best::<true>,
    max,
    max_axes,
    max_keepdim,
    "largest element",
    "the gradient goes to it, in equal parts at a tie (as `torch.amax` has it); NaN if any is."
);
reduction!(
    Best::<false>,
    min,
    min_axes,
    min_keepdim,
    "smallest element",
    "the gradient goes to it, in equal parts at a tie (as `torch.amin` has it); NaN if any is."
);
