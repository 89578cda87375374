//! `hardsigmoid`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Hardsigmoid = "hardsigmoid";
    value: |x| {
        let y = x / T::from_f64(6.0) + T::from_f64(0.5);
        if y < T::ZERO { T::ZERO } else if y > T::ONE { T::ONE } else { y }
    };
    derivative: |x, _| if x > T::from_f64(-3.0) && x < T::from_f64(3.0) { T::ONE / T::from_f64(6.0) } else { T::ZERO };
}

impl<T: Scalar> Var<'_, T> {
    /// `x / 6 + 1/2` of each element, kept between 0 and 1: `dy/dx = 1/6` for `-3 < x < 3`, else 0.
    #[inline]
    pub fn hardsigmoid(self) -> Self {
        self.unary(Hardsigmoid)
    }
}
