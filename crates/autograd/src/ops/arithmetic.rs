//! `+`, `-`, `*`, `/` with variables and numbers, and the unary `-`.

use crate::elementwise;
use crate::tape::{InputGrads, Inputs, Op, Saves, Tape, Var};
use unspool_tensor::{Scalar, Tensor};

/// The operator of a binary op between variables, and between a variable and a number (`f64`,
/// whatever the variable's type) on either side.
macro_rules! binary_operator {
    ($(#[$doc:meta])* $Trait:ident, $method:ident, $op:ident) => {
        $(#[$doc])*
        impl<'t, T: Scalar> std::ops::$Trait for Var<'t, T> {
            type Output = Var<'t, T>;
            #[track_caller]
            #[inline]
            fn $method(self, other: Var<'t, T>) -> Var<'t, T> {
                self.tape.apply($op, &[self, other])
            }
        }

        /// The same with a number on the right, which becomes a constant: `f64`, whatever `T` is.
        impl<'t, T: Scalar> std::ops::$Trait<f64> for Var<'t, T> {
            type Output = Var<'t, T>;
            #[track_caller]
            #[inline]
            fn $method(self, number: f64) -> Var<'t, T> {
                let number = self.tape.full(number, []);
                self.tape.apply($op, &[self, number])
            }
        }

        /// The same with a number on the left, which becomes a constant: `f64`, whatever `T` is.
        impl<'t, T: Scalar> std::ops::$Trait<Var<'t, T>> for f64 {
            type Output = Var<'t, T>;
            #[track_caller]
            #[inline]
            fn $method(self, var: Var<'t, T>) -> Var<'t, T> {
                let number = var.tape.full(self, []);
                var.tape.apply($op, &[number, var])
            }
        }
    };
}
/// The other operand of a binary op: a variable, or a number (`f64`, whatever the variable's type).
///
/// ```
/// use unspool::ops::Operand;
/// use unspool::{Scalar, Tape, Tensor, Var};
/// /// `x² y`, where `y` is a variable or a number.
/// fn squared_times<'t, T: Scalar>(x: Var<'t, T>, y: impl Operand<'t, T>) -> Var<'t, T> {
///     x.square() * y.on(x.tape())
/// }
/// let tape = Tape::new();
/// let x = tape.variable(&Tensor::scalar(3.0f32));
/// assert_eq!((squared_times(x, 2.0).item(), squared_times(x, x).item()), (18.0, 27.0));
/// ```
pub trait Operand<'t, T: Scalar> {
    /// The operand on `tape`; a number becomes a constant.
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T>;
}

impl<'t, T: Scalar> Operand<'t, T> for Var<'t, T> {
    fn on(self, _: &'t Tape<T>) -> Var<'t, T> {
        self
    }
}

impl<'t, T: Scalar> Operand<'t, T> for f64 {
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T> {
        tape.full(self, [])
    }
}

#[derive(Clone)]
struct Add;

impl Op for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    #[inline(always)] // as in elementwise!
    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        &x[0] + &x[1]
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.pass_on(0, || grad.clone());
        into.pass_on(1, || grad);
    }
}

binary_operator! {
    /// # Arithmetic
    /// The sum of each pair of elements: `y = a + b`, `da = dy`, `db = dy`.
    ///
    /// The shapes broadcast; the gradient of a repeated operand is summed over the repetitions.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![6.0, 4.0], [2]));
    /// let b = tape.variable(&Tensor::scalar(2.0));
    /// let y = a + b;
    /// assert_eq!(y.value().to_vec(), [8.0, 6.0]);
    /// let gradients = y.sum().backward();
    /// assert_eq!(gradients.wrt(a).to_vec(), [1.0, 1.0]);
    /// assert_eq!(gradients.wrt(b).item(), 2.0);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    Add, add, Add
}

#[derive(Clone)]
struct Sub;

impl Op for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }

    #[inline(always)] // as in elementwise!
    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        &x[0] - &x[1]
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, _x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        into.pass_on(0, || grad.clone());
        into.pass_on(1, || -grad);
    }
}

binary_operator! {
    /// The difference of each pair of elements: `y = a - b`, `da = dy`, `db = -dy`.
    ///
    /// The shapes broadcast; the gradient of a repeated operand is summed over the repetitions.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![6.0, 4.0], [2]));
    /// let b = tape.variable(&Tensor::scalar(2.0));
    /// let y = a - b;
    /// assert_eq!(y.value().to_vec(), [4.0, 2.0]);
    /// let gradients = y.sum().backward();
    /// assert_eq!(gradients.wrt(a).to_vec(), [1.0, 1.0]);
    /// assert_eq!(gradients.wrt(b).item(), -2.0);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    Sub, sub, Sub
}

#[derive(Clone)]
struct Mul;

impl Op for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    #[inline(always)] // as in elementwise!
    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        &x[0] * &x[1]
    }

    fn saves(&self) -> Saves {
        Saves::INPUTS
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let least = into.least();
        into.pass_on(0, || grad.zip(&x[1], #[inline(always)] |g, b| (g * b).flush(least)));
        into.pass_on(1, || grad.into_zip(&x[0], #[inline(always)] |g, a| (g * a).flush(least)));
    }
}

binary_operator! {
    /// The product of each pair of elements: `y = a b`, `da = b dy`, `db = a dy`.
    ///
    /// The shapes broadcast; the gradient of a repeated operand is summed over the repetitions.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![6.0, 4.0], [2]));
    /// let b = tape.variable(&Tensor::scalar(2.0));
    /// let y = a * b;
    /// assert_eq!(y.value().to_vec(), [12.0, 8.0]);
    /// let gradients = y.sum().backward();
    /// assert_eq!(gradients.wrt(a).to_vec(), [2.0, 2.0]);
    /// assert_eq!(gradients.wrt(b).item(), 10.0);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    Mul, mul, Mul
}

#[derive(Clone)]
struct Div;

impl Op for Div {
    fn name(&self) -> &'static str {
        "div"
    }

    #[inline(always)] // as in elementwise!
    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        &x[0] / &x[1]
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let least = into.least();
        into.pass_on(0, || grad.zip(&x[1], #[inline(always)] |g, b| (g / b).flush(least)));
        into.pass_on(1, || grad.into_zip3(y, &x[1], #[inline(always)] |g, y, b| (-g * y / b).flush(least)));
    }
}

binary_operator! {
    /// The quotient of each pair of elements: `y = a / b`, `da = dy / b`, `db = -dy y / b`.
    /// Dividing by 0 gives an infinity, or NaN for `0 / 0`.
    ///
    /// The shapes broadcast; the gradient of a repeated operand is summed over the repetitions.
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.variable(&Tensor::from_vec(vec![6.0, 4.0], [2]));
    /// let b = tape.variable(&Tensor::scalar(2.0));
    /// let y = a / b;
    /// assert_eq!(y.value().to_vec(), [3.0, 2.0]);
    /// let gradients = y.sum().backward();
    /// assert_eq!(gradients.wrt(a).to_vec(), [0.5, 0.5]);
    /// assert_eq!(gradients.wrt(b).item(), -2.5);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the two belong to different tapes.
    Div, div, Div
}

elementwise! {
    struct Neg = "neg";
    value: |x| -x;
    derivative: |_, _| -T::ONE;
}

/// Each element with its sign changed: `y = -x`, `dy/dx = -1`.
///
/// ```
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.variable(&Tensor::from_vec(vec![2.0, -3.0], [2]));
/// assert_eq!((-x).value().to_vec(), [-2.0, 3.0]);
/// assert_eq!((-x).sum().backward().wrt(x).to_vec(), [-1.0, -1.0]);
/// ```
impl<T: Scalar> std::ops::Neg for Var<'_, T> {
    type Output = Self;
    #[inline]
    #[track_caller]
    fn neg(self) -> Self {
        self.unary(Neg)
    }
}
