//! The built-in ops: one file each, value and gradient side by side.
//!
//! They come through the same [`Op`](crate::Op) trait as yours; the tape knows none of them. To add one, write
//! its file, add its name to the list below, and its methods to the table of [`Var`].

mod axes;

use crate::tape::Tape;
use crate::var::Var;
use unspool_tensor::{Scalar, Tensor};

/// The operator of a binary op between variables, and between a variable and a number (`f64`, whatever the
/// variable's type) on either side.
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

        /// The same with a number on the right, a constant: `f64`, whatever `T` is.
        impl<'t, T: Scalar> std::ops::$Trait<f64> for Var<'t, T> {
            type Output = Var<'t, T>;
            #[inline]
            fn $method(self, number: f64) -> Var<'t, T> {
                let number = self.tape.constant(&Tensor::scalar(T::from_f64(number)));
                self.tape.apply($op, &[self, number])
            }
        }

        /// The same with a number on the left, a constant: `f64`, whatever `T` is.
        impl<'t, T: Scalar> std::ops::$Trait<Var<'t, T>> for f64 {
            type Output = Var<'t, T>;
            #[inline]
            fn $method(self, var: Var<'t, T>) -> Var<'t, T> {
                let number = var.tape.constant(&Tensor::scalar(T::from_f64(self)));
                var.tape.apply($op, &[number, var])
            }
        }
    };
}
use binary_operator;

/// The other operand of a binary op: a variable, or a number (`f64`, whatever the variable's type).
pub trait Operand<'t, T: Scalar> {
    /// The operand as a variable of `tape`, which a number becomes.
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T>;
}

impl<'t, T: Scalar> Operand<'t, T> for Var<'t, T> {
    fn on(self, _: &'t Tape<T>) -> Var<'t, T> {
        self
    }
}

impl<'t, T: Scalar> Operand<'t, T> for f64 {
    fn on(self, tape: &'t Tape<T>) -> Var<'t, T> {
        tape.constant(&Tensor::scalar(T::from_f64(self)))
    }
}

macro_rules! ops {
    ($($name:ident)*) => {
        $(mod $name;)*
        /// The names of all built-in ops: each is a file of this folder, and has a gradient test.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

pub use conv1d::Convolution;

// In the order of their families on the page of `Var`; the first of a family has its heading.
ops! {
    add sub mul div neg square pow sqrt reciprocal abs sign
    exp expm1 ln ln1p sin cos atan erf
    tanh sigmoid relu leaky_relu elu selu gelu softplus silu mish softsign logsigmoid hardsigmoid hardswish
    maximum clamp where_ lerp dropout
    matmul linear dot einsum conv1d
    sum mean prod max var norm logsumexp
    softmax log_softmax layer_norm rms_norm cumsum cumprod sort
    reshape permute expand repeat flip roll pad tril
    select slice stack concat
    index_select gather scatter_add
}
