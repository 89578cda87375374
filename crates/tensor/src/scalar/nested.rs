//! Numbers that compute as others do, and are lifted to ones with tangents: what a tape recorded is run again
//! over these.

use crate::scalar::dual::Dual;
use crate::scalar::gemm::{Matrix, Product};
use crate::scalar::number::Number;
use crate::scalar::tangents::Tangents;
use crate::scalar::{Scalar, sealed};
use crate::tuning::DIRECTIONS;
use std::fmt;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign};

/// A number of type `T` on a tape whose gradients can be differentiated: they go onto the tape, as variables like any other.
///
/// It computes as `T` does, at the same speed. What differs is the type, which tells the compiler to make each op for
/// `Dual<T>` as well: the derivative of an op's gradient rule is the rule run over duals. Only programs that nest
/// derivatives pay for that. `Nested<f64>` can be differentiated twice, `Nested<Nested<f64>>` three times, and so on.
///
/// ```
/// use unspool::Tensor;
/// use unspool::tensor::Nested;
/// let x: Tensor<Nested<f64>> = Tensor::from_slice(&[1.0, 2.0], [2]).cast();
/// assert_eq!((x * 2.0).cast::<f64>().to_vec(), [2.0, 4.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct Nested<T>(
    /// The number.
    pub T,
);

/// A number whose gradients can be differentiated: a [`Nested`] one, or a [`Dual`] over such a number.
///
/// ```
/// use unspool::tensor::{Nested, Nests};
/// use unspool::{Tape, Tensor};
/// /// The second derivative of x³.
/// fn curvature<T: Nests>(x: f64) -> f64 {
///     let tape = Tape::<T>::new();
///     let x = tape.variable(&Tensor::scalar(T::from_f64(x)));
///     let [slope] = (x.square() * x).gradient_wrt([x]);
///     slope.backward().wrt(x).item().to_f64()
/// }
/// assert_eq!(curvature::<Nested<f64>>(2.0), 12.0);
/// ```
#[diagnostic::on_unimplemented(
    message = "the gradients of `{Self}` numbers cannot be differentiated",
    note = "put the variables on a tape of `Nested<f64>` or `Nested<f32>` numbers"
)]
pub trait Nests: Scalar {}
impl<T: Scalar> Nests for Nested<T> {}
impl<T: Nests> Nests for Dual<T> {}

/// A number of type `T` on a tape whose values are differentiated forward, in several directions at once.
///
/// It computes as `T` does, at the same speed. What differs is the type, which tells the compiler to make each op
/// for [`Tangents`] as well. See `jacfwd` in `unspool-autograd`.
///
/// ```
/// use unspool::Tensor;
/// use unspool::tensor::Forward;
/// let x: Tensor<Forward<f64>> = Tensor::from_slice(&[1.0, 2.0], [2]).cast();
/// assert_eq!((x * 2.0).cast::<f64>().to_vec(), [2.0, 4.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
#[repr(transparent)]
pub struct Forward<T>(
    /// The number.
    pub T,
);

/// Methods that do to the number inside what they do to a number.
macro_rules! delegate {
    ($Wrapper:ident $($name:ident($($argument:ident),*);)*) => {
        $(
            #[inline(always)]
            fn $name(self $(, $argument: Self)*) -> Self {
                $Wrapper(self.0.$name($($argument.0),*))
            }
        )*
    };
}

/// Operators of the number inside.
macro_rules! operators {
    ($Wrapper:ident $($Op:ident $op:ident $Assign:ident $assign:ident;)*) => {
        $(
            impl<T: Number> $Op for $Wrapper<T> {
                type Output = Self;
                #[inline(always)]
                fn $op(self, other: Self) -> Self {
                    $Wrapper(self.0.$op(other.0))
                }
            }

            impl<T: Number> $Assign for $Wrapper<T> {
                #[inline(always)]
                fn $assign(&mut self, other: Self) {
                    self.0.$assign(other.0);
                }
            }
        )*
    };
}

/// Makes a struct of one number a number, given its names and what it is lifted to.
macro_rules! transparent {
    ($Wrapper:ident { $($lifting:tt)* }) => {
        impl<T: Scalar> sealed::Sealed for $Wrapper<T> {}

        impl<T: Scalar> Scalar for $Wrapper<T> {
            $($lifting)*

            const TANGENTS: usize = T::TANGENTS;

            #[inline(always)]
            fn with_slope(self, x: Self, slope: impl FnOnce() -> Self) -> Self {
                $Wrapper(self.0.with_slope(x.0, || slope().0))
            }
            #[inline(always)]
            fn tangent(self, k: usize) -> Self {
                $Wrapper(self.0.tangent(k))
            }
            #[inline(always)]
            fn with_tangent(self, k: usize, tangent: Self) -> Self {
                $Wrapper(self.0.with_tangent(k, tangent.0))
            }
            #[inline(always)]
            fn with_tangent_of(self, other: Self) -> Self {
                $Wrapper(self.0.with_tangent_of(other.0))
            }

            fn gemm(product: Product<'_, Self>) {
                let Product { a, b, c, row_step, spread, add } = product;
                T::gemm(Product { a: $Wrapper::inner(a), b: $Wrapper::inner(b), c: c.cast(), row_step, spread, add });
            }
        }

        impl<T: Scalar> $Wrapper<T> {
            /// The same matrix of the numbers inside.
            fn inner(matrix: Matrix<'_, Self>) -> Matrix<'_, T> {
                let Matrix { elements, offset, rows, columns, strides, panel_step } = matrix;
                // SAFETY: `repr(transparent)` makes such a number the number in it; the length is that of the same memory.
                let elements = unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), elements.len()) };
                Matrix { elements, offset, rows, columns, strides, panel_step }
            }
        }

        impl<T: Number> Number for $Wrapper<T> {
            const ZERO: Self = $Wrapper(T::ZERO);
            const ONE: Self = $Wrapper(T::ONE);
            const NAN: Self = $Wrapper(T::NAN);

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                $Wrapper(T::from_f64(x))
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.0.to_f64()
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                self.0.is_finite()
            }
            #[inline(always)]
            fn polygamma(self, order: u32) -> Self {
                $Wrapper(self.0.polygamma(order))
            }
            #[inline(always)]
            fn is_zero(self) -> bool {
                self.0.is_zero()
            }
                delegate! { $Wrapper
                mul_add(a, b);
                sqrt();
                exp();
                exp_m1();
                ln();
                ln_1p();
                sin();
                cos();
                atan();
                atan2(x);
                powf(exponent);
                erf();
                erfc();
                lgamma();
                abs();
                sign();
                floor();
                ceil();
                round_ties_even();
                trunc();
                tanh();
                sigmoid();
            }
        }

        impl<T: fmt::Display> fmt::Display for $Wrapper<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<T: Number> Neg for $Wrapper<T> {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                $Wrapper(-self.0)
            }
        }
        operators! { $Wrapper
            Add add AddAssign add_assign;
            Sub sub SubAssign sub_assign;
            Mul mul MulAssign mul_assign;
            Div div DivAssign div_assign;
            Rem rem RemAssign rem_assign;
        }
    };
}

transparent!(Nested {
    const NAME: &'static str = T::NESTED_NAME;
    const DUAL_NAME: &'static str = "Dual<Nested<..>>";
    const NESTED_NAME: &'static str = "Nested<Nested<..>>";

    type Lifted = Dual<T>;
    const NESTS: bool = true;
    #[inline(always)]
    fn lifted(self, tangent: Self) -> Dual<T> {
        Dual { value: self.0, tangent: tangent.0 }
    }
    #[inline(always)]
    fn unlifted(lifted: Dual<T>) -> (Self, Self) {
        (Nested(lifted.value), Nested(lifted.tangent))
    }
});

transparent!(Forward {
    const NAME: &'static str = "Forward<..>";
    const DUAL_NAME: &'static str = "Dual<Forward<..>>";
    const NESTED_NAME: &'static str = "Nested<Forward<..>>";

    type Lifted = Tangents<T, DIRECTIONS>;
    const NESTS: bool = true;
    const PARTS: usize = 1 + DIRECTIONS;
    /// The same tangent in all directions.
    #[inline(always)]
    fn lifted(self, tangent: Self) -> Self::Lifted {
        Tangents { value: self.0, tangents: [tangent.0; DIRECTIONS] }
    }
    /// The tangent is that of the first direction.
    #[inline(always)]
    fn unlifted(lifted: Self::Lifted) -> (Self, Self) {
        (Forward(lifted.value), Forward(lifted.tangents[0]))
    }
});
