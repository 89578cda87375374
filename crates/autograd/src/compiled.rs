//! What is compiled here for `f32` and `f64`, once, and not again in each program.
//!
//! A generic function is compiled in the crate that uses it, and in each such crate again, unless it
//! is `#[inline(never)]`: rustc then takes the code of a crate below, if there is any for these types.
//! [`Tape::apply`] is such a function, so that to mention a method of [`Var`] here is to compile its
//! op, forward and backward. Nothing changes for what is not mentioned: it is compiled where it is used.

use crate::gradients::Gradients;
use crate::tape::{Tape, Var};
use std::ops::{Add, Div, Mul, Neg, Range, Sub};
use unspool_tensor::Scalar;

type Value<T> = Var<'static, T>;

/// Functions of one element type, by what they take.
#[allow(dead_code, clippy::type_complexity)] // no one calls them by these names
struct Functions<T: Scalar> {
    new: fn() -> Tape<T>,
    reset: fn(&mut Tape<T>),
    release: fn(&Tape<T>, Range<usize>, &[Value<T>]),
    close_segment: fn(&Tape<T>, Range<usize>, &[Value<T>], bool),
    backward: fn(Value<T>) -> Gradients<'static, T>,
    of_one: &'static [fn(Value<T>) -> Value<T>],
    of_two: &'static [fn(Value<T>, Value<T>) -> Value<T>],
    of_three: &'static [fn(Value<T>, Value<T>, Value<T>) -> Value<T>],
    of_many: &'static [fn(usize, &[Value<T>]) -> Value<T>],
    along_an_axis: &'static [fn(Value<T>, usize) -> Value<T>],
}

macro_rules! compile {
    ($($name:ident: $T:ty),*) => {$(
        #[used]
        static $name: Functions<$T> = Functions {
            new: Tape::new,
            reset: Tape::reset,
            release: Tape::release,
            close_segment: Tape::close_segment,
            backward: Var::backward,
            of_one: &[
                Neg::neg, Var::square, Var::sqrt, Var::abs, Var::exp, Var::ln, Var::tanh, Var::sigmoid, Var::softplus,
                Var::relu, Var::sum, Var::mean,
            ],
            of_two: &[Add::add, Sub::sub, Mul::mul, Div::div, Var::matmul],
            of_three: &[Var::linear, Var::lerp],
            of_many: &[Var::concat, Var::stack],
            along_an_axis: &[Var::unsqueeze, Var::log_softmax],
        };
    )*};
}
compile!(F32: f32, F64: f64);
