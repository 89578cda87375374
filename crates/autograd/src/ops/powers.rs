//! Powers and roots, and what goes with them: absolute value and sign.

use crate::elementwise;
use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Tensor};

elementwise! {
    struct Square = "square";
    value: |x| x * x;
    derivative: |x, _| x + x;
}

/// # Powers
impl<T: Scalar> Var<'_, T> {
    /// The square of each element: `y = x²`, `dy/dx = 2 x`.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![3.0, -1.0], [2]));
    /// let y = x.square();
    /// assert_eq!(y.value().to_vec(), [9.0, 1.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [6.0, -2.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn square(self) -> Self {
        self.unary(Square)
    }
}

elementwise! {
    struct PowNumber { exponent } = "powf";
    value: |x| x.powf(exponent);
    derivative: |x, _| by_base(x, exponent);
}

#[derive(Clone)]
struct PowInteger {
    exponent: i32,
}

impl Op for PowInteger {
    fn name(&self) -> &'static str {
        "powi"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].powi(self.exponent)
    }

    fn saves(&self) -> Saves {
        Saves::INPUTS
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let n = T::from_f64(f64::from(self.exponent));
        into.add_with(0, || match self.exponent {
            0 => Tensor::zeros(grad.shape()),
            exponent => {
                let power = x[0].powi(exponent.saturating_sub(1));
                grad.into_zip(&power, #[inline(always)] |g, power| g * (n * power))
            }
        });
    }
}

#[derive(Clone)]
struct Pow;

impl Op for Pow {
    fn name(&self) -> &'static str {
        "pow"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip_named("pow", &x[1], |x, p| x.powf(p))
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.add_with(0, || grad.zip3(&x[0], &x[1], |g, x, p| g * by_base(x, p)));
        into.add_with(1, || {
            let by_exponent = y.zip3(&x[0], &x[1], |y, x, p| {
                if x == T::ZERO && p >= T::ZERO { T::ZERO } else { y * x.ln() }
            });
            grad.zip(&by_exponent, |g, d| g * d)
        });
    }
}

/// `p x^(p-1)`, and 0 for the constant `x^0`.
#[inline(always)]
fn by_base<T: Scalar>(x: T, p: T) -> T {
    if p == T::ZERO { T::ZERO } else { p * x.powf(p - T::ONE) }
}

impl<T: Scalar> Var<'_, T> {
    /// Each element to the power of the other value's: `y = x^p`, `dx = p x^(p-1) dy`,
    /// `dp = y ln x dy`.
    ///
    /// The shapes broadcast. `0^0` is 1; a negative number to a fractional power is NaN. Where `p`
    /// is 0, `dx` is 0; where `x` is 0 and `p` is not negative, `dp` is 0 (as in PyTorch).
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
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
    /// The gradient is 0 for `p = 0` (as in PyTorch); at 0 it is infinite for every other `p < 1`.
    /// A negative number to a fractional power is NaN.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![4.0, 9.0], [2]));
    /// let y = x.powf(1.5);
    /// assert_eq!(y.value().to_vec(), [8.0, 27.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [3.0, 4.5]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn powf(self, exponent: f64) -> Self {
        self.unary(PowNumber { exponent })
    }

    /// Each element to the power of an integer, by repeated multiplication: `y = x^n`,
    /// `dy/dx = n x^(n-1)`; 0 for `n = 0`, as in [`powf`](Var::powf).
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![2.0, -1.0], [2]));
    /// let y = x.powi(3);
    /// assert_eq!(y.value().to_vec(), [8.0, -1.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [12.0, 3.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn powi(self, exponent: i32) -> Self {
        self.unary(PowInteger { exponent })
    }
}

elementwise! {
    struct Sqrt = "sqrt";
    value: |x| x.sqrt();
    derivative: |_, y| T::ONE / (y + y);
}

impl<T: Scalar> Var<'_, T> {
    /// The square root of each element: `y = sqrt(x)`, `dy/dx = 1 / (2 y)`.
    ///
    /// The gradient is infinite at 0; below 0 both are NaN (as in PyTorch).
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![4.0, 0.0], [2]));
    /// let y = x.sqrt();
    /// assert_eq!(y.value().to_vec(), [2.0, 0.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.25, f64::INFINITY]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn sqrt(self) -> Self {
        self.unary(Sqrt)
    }
}

elementwise! {
    struct Reciprocal = "reciprocal";
    value: |x| T::ONE / x;
    derivative: |_, y| -y * y;
}

impl<T: Scalar> Var<'_, T> {
    /// The reciprocal of each element: `y = 1 / x`, `dy/dx = -y²`; both infinite at 0.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![2.0, -4.0], [2]));
    /// let y = x.reciprocal();
    /// assert_eq!(y.value().to_vec(), [0.5, -0.25]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [-0.25, -0.0625]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn reciprocal(self) -> Self {
        self.unary(Reciprocal)
    }
}

elementwise! {
    struct Abs = "abs";
    value: |x| x.abs();
    derivative: |x, _| x.sign();
}

impl<T: Scalar> Var<'_, T> {
    /// The absolute value of each element: `y = |x|`, `dy/dx = sign(x)`, 0 at 0 (as in PyTorch).
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-2.0, 0.0, 3.0], [3]));
    /// let y = x.abs();
    /// assert_eq!(y.value().to_vec(), [2.0, 0.0, 3.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [-1.0, 0.0, 1.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn abs(self) -> Self {
        self.unary(Abs)
    }
}

elementwise! {
    struct Sign = "sign";
    value: |x| x.sign();
    derivative: |_, _| T::ZERO;
}

impl<T: Scalar> Var<'_, T> {
    /// -1, 0 or 1 where an element is negative, zero or positive: `dy/dx = 0` everywhere. NaN stays
    /// NaN.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-2.0, 0.0, 3.0], [3]));
    /// let y = x.sign();
    /// assert_eq!(y.value().to_vec(), [-1.0, 0.0, 1.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.0, 0.0]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn sign(self) -> Self {
        self.unary(Sign)
    }
}
