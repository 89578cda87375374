//! `x^p`

use crate::elementwise;
use crate::op::{Contributions, Inputs, Op};
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

elementwise! {
    struct PowNumber { exponent } = "powf";
    value: |x| x.powf(exponent);
    derivative: |x, _| by_base(x, exponent);
}

struct Pow;

impl<T: Scalar> Op<T> for Pow {
    fn name(&self) -> &'static str {
        "pow"
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip("pow", &x[1], |x, p| x.powf(p))
    }

    fn backward(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut Contributions<'_, T>) {
        into.add_with(0, || grad.zip3("pow", &x[0], &x[1], |g, x, p| g * by_base(x, p)));
        into.add_with(1, || {
            let by_exponent = y.zip3("pow", &x[0], &x[1], |y, x, p| {
                if x == T::ZERO && p >= T::ZERO { T::ZERO } else { y * x.ln() }
            });
            grad.zip("pow", &by_exponent, |g, d| g * d)
        });
    }
}

/// `p x^(p-1)`, and 0 for the constant `x^0`.
#[inline(always)]
fn by_base<T: Scalar>(x: T, p: T) -> T {
    if p == T::ZERO { T::ZERO } else { p * x.powf(p - T::ONE) }
}

impl<T: Scalar> Var<'_, T> {
    /// Each element to the power of the other value's: `dx = p x^(p-1) dy`, `dp = y ln x dy`.
    ///
    /// Where `p` is 0, `dx` is 0; where `x` is 0 and `p` is not negative, `dp` is 0 (as PyTorch has it).
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    #[inline]
    pub fn pow(self, exponent: Self) -> Self {
        self.tape.apply(Pow, &[self, exponent])
    }

    /// Each element to the power of a number: `dy/dx = p x^(p-1)`, 0 for `p = 0`.
    #[inline]
    pub fn powf(self, exponent: f64) -> Self {
        self.unary(PowNumber { exponent })
    }

    /// Each element to the power of an integer: `dy/dx = n x^(n-1)`, 0 for `n = 0`.
    #[inline]
    pub fn powi(self, exponent: i32) -> Self {
        self.powf(f64::from(exponent))
    }
}
