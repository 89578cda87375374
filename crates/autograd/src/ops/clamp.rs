//! `clamp`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Clamp { min, max } = "clamp";
    value: |x| if x < min { min } else if x > max { max } else { x };
    derivative: |x, _| if x > min && x < max { T::ONE } else { T::ZERO };
}

impl<T: Scalar> Var<'_, T> {
    /// Each element, kept between `min` and `max`: `y = min` below, `max` above, else `x`. `dy/dx = 1` for `min < x <
    /// max`, else 0.
    ///
    /// At `min` and `max` the gradient is 0 (as PyTorch 2.15 has it; older versions have 1). NaN stays NaN.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-2.0, 0.5, 3.0], [3]));
    /// let y = x.clamp(0.0, 3.0);
    /// assert_eq!(y.value().to_vec(), [0.0, 0.5, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If `min` is not less than or equal to `max`.
    #[track_caller]
    #[inline]
    pub fn clamp(self, min: f64, max: f64) -> Self {
        assert!(min <= max, "clamp: nothing lies between {min} and {max}");
        self.unary(Clamp { min, max })
    }
}
