//! Probabilities from scores.

use super::axes::Axes;
use crate::forget::Reads;
use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

struct Softmax {
    axis: usize,
}

impl<T: Scalar> Op<T> for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let max = x[0].max_axes(&[self.axis]).unsqueeze(self.axis);
        let e = x[0].zip("softmax", &max, #[inline(always)] |x, max| (x - max).exp());
        let sum = e.sum_axis(self.axis).unsqueeze(self.axis);
        e.into_zip("softmax", &sum, #[inline(always)] |e, sum| e / sum)
    }

    fn reads(&self) -> Reads {
        Reads::OUTPUT
    }

    fn backward(&self, _x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || {
            let gy = grad.zip("softmax", y, #[inline(always)] |g, y| g * y);
            let sum = gy.sum_axis(self.axis).unsqueeze(self.axis);
            grad.zip3("softmax", &sum, y, #[inline(always)] |g, sum, y| (g - sum) * y)
        });
    }
}

/// # Along an axis
impl<T: Scalar> Var<'_, T> {
    /// `y = exp(x) / sum(exp(x))` over one axis: positive, and summing to 1. `dx = y (dy - sum(dy y))`. The shape
    /// stays.
    ///
    /// The largest element is subtracted first, so no score is too large. Where all are minus infinity, it is NaN (as
    /// PyTorch has it).
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let scores = tape.variable(&Tensor::<f64>::from_vec(vec![1e4, 1e4, -1e4], [1, 3]));
    /// let y = scores.softmax(1);
    /// assert_eq!(y.value().to_vec(), [0.5, 0.5, 0.0]);
    /// assert_eq!(y.select(1, 0).backward().wrt(scores).to_vec(), [0.25, -0.25, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is empty.
    #[track_caller]
    #[inline]
    pub fn softmax(self, axis: usize) -> Self {
        let shape = self.shape();
        Axes::new("softmax", shape, &[axis]);
        assert!(shape[axis] > 0, "softmax: axis {axis} of shape {shape} is empty");
        self.unary(Softmax { axis })
    }
}
