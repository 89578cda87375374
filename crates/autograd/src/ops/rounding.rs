//! Rounding to integers, and what remains of a division.

use super::arithmetic::Operand;
use crate::elementwise;
use crate::tape::Var;
use unspool_tensor::Scalar;

elementwise! {
    struct Floor = "floor";
    value: |x| x.floor();
    derivative: |_, _| T::ZERO;
}

/// # Rounding
impl<T: Scalar> Var<'_, T> {
    /// The largest integer that is not greater than each element: `dy/dx = 0` everywhere.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1.5, 0.5, 2.0], [3]));
    /// let y = x.floor();
    /// assert_eq!(y.value().to_vec(), [-2.0, 0.0, 2.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0; 3]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn floor(self) -> Self {
        self.unary(Floor)
    }
}

elementwise! {
    struct Ceil = "ceil";
    value: |x| x.ceil();
    derivative: |_, _| T::ZERO;
}

impl<T: Scalar> Var<'_, T> {
    /// The smallest integer that is not less than each element: `dy/dx = 0` everywhere.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1.5, 0.5, 2.0], [3]));
    /// let y = x.ceil();
    /// assert_eq!(y.value().to_vec(), [-1.0, 1.0, 2.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0; 3]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn ceil(self) -> Self {
        self.unary(Ceil)
    }
}

elementwise! {
    struct Round = "round";
    value: |x| x.round_ties_even();
    derivative: |_, _| T::ZERO;
}

impl<T: Scalar> Var<'_, T> {
    /// The integer nearest to each element, the even one if two are equally near (as in PyTorch and
    /// NumPy): `dy/dx = 0` everywhere.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1.6, 0.5, 1.5, 2.5], [4]));
    /// let y = x.round();
    /// assert_eq!(y.value().to_vec(), [-2.0, 0.0, 2.0, 2.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0; 4]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn round(self) -> Self {
        self.unary(Round)
    }
}

elementwise! {
    struct Trunc = "trunc";
    value: |x| x.trunc();
    derivative: |_, _| T::ZERO;
}

impl<T: Scalar> Var<'_, T> {
    /// The integer part of each element, toward zero: `dy/dx = 0` everywhere.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![-1.5, 0.5, 2.0], [3]));
    /// let y = x.trunc();
    /// assert_eq!(y.value().to_vec(), [-1.0, 0.0, 2.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0; 3]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn trunc(self) -> Self {
        self.unary(Trunc)
    }
}

/// `x % m` has the sign of `x`: where that of `m` differs, the remainder is one `m` further.
#[inline(always)]
fn modulo<T: Scalar>(x: T, m: T) -> T {
    let y = x % m;
    if y != T::ZERO && (y < T::ZERO) != (m < T::ZERO) { y + m } else { y }
}

elementwise! {
    struct Remainder = "remainder";
    value: |[x, m]| modulo(x, m);
    // Of a quotient close to an integer, `floor(x / m)` may round to the next: not the one that `y` belongs to.
    gradients: |[x, m], y, dy| [dy, -dy * ((x - y) / m).round_ties_even()];
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The remainder of a division by `m`: `y = x - floor(x / m) m`, with the sign of `m` (as
    /// in PyTorch; Rust's `%` has the sign of `x`). `dx = dy`, `dm = -floor(x / m) dy`.
    /// Dividing by 0 gives NaN.
    ///
    /// The shapes broadcast; the gradient of a repeated operand is summed over the repetitions.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.variable(&Tensor::from_vec(vec![5.0, -5.0], [2]));
    /// let m = tape.variable(&Tensor::from_vec(vec![3.0, 3.0], [2]));
    /// let y = x.remainder(m);
    /// assert_eq!(y.value().to_vec(), [2.0, 1.0]);
    /// let gradients = y.sum().backward();
    /// assert_eq!(gradients.wrt(x).to_vec(), [1.0, 1.0]);
    /// assert_eq!(gradients.wrt(m).to_vec(), [-1.0, 2.0]);
    /// assert_eq!(x.remainder(-3.0).value().to_vec(), [-1.0, -2.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    #[track_caller]
    #[inline]
    pub fn remainder(self, m: impl Operand<'t, T>) -> Self {
        self.tape.apply(Remainder, &[self, m.on(self.tape)])
    }
}
