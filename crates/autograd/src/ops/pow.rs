//! `x^p`

use crate::elementwise;
use crate::op::{InputGrads, Inputs, Op};
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

    fn backward(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
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
    /// Each element to the power of the other value's: `y = x^p`, `dx = p x^(p-1) dy`, `dp = y ln x dy`.
    ///
    /// The shapes broadcast. `0^0` is 1; a negative number to a power that is not whole is NaN. Where `p` is 0, `dx` is
    /// 0; where `x` is 0 and `p` is not negative, `dp` is 0 (as PyTorch has it).
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![3.0, 0.0], [2]));
    /// let p = tape.variable(&Tensor::from_vec(vec![2.0, 0.0], [2]));
    /// let y = x.pow(p);
    /// assert_eq!(y.value().to_vec(), [9.0, 1.0]);
    /// let gradients = y.sum().backward();
    /// assert_eq!(gradients.wrt(x).to_vec(), [6.0, 0.0]);
    /// assert_eq!(gradients.wrt(p).at([1]), 0.0);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn pow(self, exponent: Self) -> Self {
        self.tape.apply(Pow, &[self, exponent])
    }

    /// Each element to the power of a number: `y = x^p`, `dy/dx = p x^(p-1)`.
    ///
    /// The gradient is 0 for `p = 0` (as PyTorch has it); at 0 it is infinite for every other `p < 1`. A negative
    /// number to a power that is not whole is NaN.
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![4.0, 9.0], [2]));
    /// let y = x.powf(1.5);
    /// assert_eq!(y.value().to_vec(), [8.0, 27.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [3.0, 4.5]);
    /// ```
    #[inline]
    pub fn powf(self, exponent: f64) -> Self {
        self.unary(PowNumber { exponent })
    }

    /// Each element to the power of an integer: `y = x^n`, `dy/dx = n x^(n-1)`; 0 for `n = 0`, as in
    /// [`powf`](Var::powf).
    ///
    /// ```
    /// use unspool_autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![2.0, -1.0], [2]));
    /// let y = x.powi(3);
    /// assert_eq!(y.value().to_vec(), [8.0, -1.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [12.0, 3.0]);
    /// ```
    #[inline]
    pub fn powi(self, exponent: i32) -> Self {
        self.powf(f64::from(exponent))
    }
}
