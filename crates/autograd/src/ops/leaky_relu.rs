//! `leaky_relu`

use crate::elementwise;
use crate::var::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct LeakyRelu { slope } = "leaky_relu";
    value: |x| if x > T::ZERO { x } else { slope * x };
    derivative: |x, _| if x > T::ZERO { T::ONE } else { slope };
}

impl<T: Scalar> Var<'_, T> {
    /// `x` where it is positive, `slope x` elsewhere: `dy/dx = 1` where `x > 0`, else `slope`.
    /// 
    /// Maas, Hannun and Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".
    #[inline]
    pub fn leaky_relu(self, slope: f64) -> Self {
        self.unary(LeakyRelu { slope })
    }
}
