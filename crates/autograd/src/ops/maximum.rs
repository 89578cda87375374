//! The larger or the smaller of two values, elementwise.

use super::Operand;
use crate::op::{InputGrads, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

/// The larger one, or the smaller.
struct Better<const LARGER: bool>;

impl<const LARGER: bool> Better<LARGER> {
    #[inline(always)]
    fn is<T: Scalar>(a: T, than: T) -> bool {
        if LARGER { a > than } else { a < than }
    }

    /// What of the gradient goes to `a`: all, half at a tie, or nothing.
    #[inline(always)]
    fn share<T: Scalar>(a: T, b: T) -> T {
        if Self::is(a, b) {
            T::ONE
        } else if a == b {
            T::from_f64(0.5)
        } else {
            T::ZERO
        }
    }
}

impl<T: Scalar, const LARGER: bool> Op<T> for Better<LARGER> {
    fn name(&self) -> &'static str {
        if LARGER { "maximum" } else { "minimum" }
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip(
            Op::<T>::name(self),
            &x[1],
            #[inline(always)]
            |a, b| {
                let better = if Self::is(a, b) || a.is_nan() { a } else { b }; // NaN on either side wins
                if T::HAS_TANGENT && a == b { better.with_tangent_of((a + b) * T::from_f64(0.5)) } else { better }
            },
        )
    }

    fn backward(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        for (i, j) in [(0, 1), (1, 0)] {
            into.add_with(i, || {
                grad.zip3("share", &x[i], &x[j], #[inline(always)] |g, a, b| g * Self::share(a, b))
            });
        }
    }
}

/// # Choice
impl<'t, T: Scalar> Var<'t, T> {
    /// The larger of each pair of elements: `y = max(x, w)`; NaN if either is. The shapes broadcast.
    ///
    /// The gradient goes to the larger one, half to each at a tie (as PyTorch has it), to neither beside NaN.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 5.0], [2]));
    /// let w = tape.variable(&Tensor::from_vec(vec![3.0, 5.0], [2]));
    /// let y = x.maximum(w);
    /// assert_eq!(y.value().to_vec(), [3.0, 5.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.5]);
    /// assert_eq!(x.maximum(2.0).value().to_vec(), [2.0, 5.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn maximum(self, other: impl Operand<'t, T>) -> Self {
        self.tape.apply(Better::<true>, &[self, other.on(self.tape)])
    }

    /// The smaller of each pair of elements: `y = min(x, w)`; NaN if either is. The shapes broadcast.
    ///
    /// The gradient goes to the smaller one, half to each at a tie (as PyTorch has it), to neither beside NaN.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![1.0, 5.0], [2]));
    /// let w = tape.variable(&Tensor::from_vec(vec![3.0, 5.0], [2]));
    /// let y = x.minimum(w);
    /// assert_eq!(y.value().to_vec(), [1.0, 5.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [1.0, 0.5]);
    /// assert_eq!(x.minimum(2.0).value().to_vec(), [1.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn minimum(self, other: impl Operand<'t, T>) -> Self {
        self.tape.apply(Better::<false>, &[self, other.on(self.tape)])
    }
}
