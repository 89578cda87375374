//! Elementwise functions, and the macro that defines them as ops.

use crate::tape::{InputGrads, Inputs, Saves};
use unspool_tensor::{Scalar, Shape, Tensor};

/// A function of several numbers sees up to four inputs, `y` and `dy`.
const MAX_FUSED: usize = 6;

/// The value of a function of one number, called by the code of
/// [`elementwise!`](crate::elementwise).
#[doc(hidden)]
#[track_caller]
#[inline(always)]
pub fn value<T: Scalar>(
    name: &str,
    x: Inputs<'_, T>,
    value: impl Fn(T) -> T,
    derivative: impl Fn(T, T) -> T,
) -> Tensor<T> {
    assert!(x.len() == 1, "{name}: {} inputs were given to a function of 1", x.len());
    x[0].map(
        #[inline(always)]
        |x| {
            let y = value(x);
            // Over duals, too, the derivative is the one given, at kinks as elsewhere.
            y.with_slope(x, || derivative(x, y))
        },
    )
}

/// The gradient of a function of one number.
#[doc(hidden)]
#[inline(always)]
pub fn gradient<T: Scalar>(
    name: &str,
    saves: Saves,
    x: Inputs<'_, T>,
    (y, dy): (&Tensor<T>, Tensor<T>),
    into: &mut InputGrads<'_, T>,
    derivative: impl Fn(T, T) -> T,
) {
    into.add_with(0, || {
        // What the derivative does not read may be released: the other replaces it.
        let (x, y) = match (saves.inputs, saves.output) {
            (true, true) => (&x[0], y),
            (true, false) => (&x[0], &x[0]),
            (false, true) => (y, y),
            (false, false) => (&dy.clone(), &dy.clone()),
        };
        dy.into_zip3_named(
            name,
            x,
            y,
            #[inline(always)]
            |dy, x, y| dy * derivative(x, y),
        )
    });
}

/// The value of a function of several numbers, called by the code of
/// [`elementwise!`](crate::elementwise).
#[doc(hidden)]
#[track_caller]
#[inline(always)]
pub fn value_of_several<T: Scalar, const N: usize>(
    name: &str,
    x: Inputs<'_, T>,
    value: impl Fn([T; MAX_FUSED]) -> T,
) -> Tensor<T> {
    const { assert!(N >= 1 && N + 2 <= MAX_FUSED, "elementwise! takes functions of one to four numbers") };
    assert!(x.len() == N, "{name}: {} inputs were given to a function of {N}", x.len());
    let common = x.iter().try_fold(Shape::from([]), |common, x| common.broadcast(&x.shape()));
    if common.is_none() {
        let shapes: Vec<String> = x.iter().map(|x| x.shape().to_string()).collect();
        panic!("{name}: shapes {} and {} do not broadcast", shapes[..N - 1].join(", "), shapes[N - 1]);
    }
    let at = |k: usize| if k < N { &x[k] } else { &x[0] };
    Tensor::map_n_named(name, [at(0), at(1), at(2), at(3), at(0), at(0)], value)
}

/// The gradients of a function of several numbers. `of` gets the inputs, then in the last two
/// places `y` and `dy`.
#[doc(hidden)]
#[inline(always)]
pub fn gradients_of_several<T: Scalar, const N: usize>(
    name: &str,
    saves: Saves,
    x: Inputs<'_, T>,
    (y, dy): (&Tensor<T>, &Tensor<T>),
    into: &mut InputGrads<'_, T>,
    of: impl Fn([T; MAX_FUSED]) -> [T; N],
) {
    // What the gradients do not read may be released: another replaces it.
    let at = |k: usize| if k < N && saves.inputs { &x[k] } else { dy };
    let all = [at(0), at(1), at(2), at(3), if saves.output { y } else { dy }, dy];
    into.add_with(0, || {
        Tensor::map_n_named(
            name,
            all,
            #[inline(always)]
            |at| of(at)[0],
        )
    });
    if N > 1 {
        into.add_with(1, || {
            Tensor::map_n_named(
                name,
                all,
                #[inline(always)]
                |at| of(at)[1],
            )
        });
    }
    if N > 2 {
        into.add_with(2, || {
            Tensor::map_n_named(
                name,
                all,
                #[inline(always)]
                |at| of(at)[2],
            )
        });
    }
    if N > 3 {
        into.add_with(3, || {
            Tensor::map_n_named(
                name,
                all,
                #[inline(always)]
                |at| of(at)[3],
            )
        });
    }
}

/// Defines an op by an elementwise function of one to four values, and its derivative.
///
/// An argument that the derivative does not use is written `_`: its elements are not kept. The
/// formulas name the element type, any [`Scalar`], as `T`. Fields of the struct are `f64`; the
/// formulas get them as `T`.
///
/// ```
/// use unspool_autograd::{elementwise, Tape, Tensor};
///
/// elementwise! {
///     /// The inverse quadratic, `1 / (1 + (x / width)²)`.
///     pub struct InverseQuadratic { width } = "inverse_quadratic";
///     value: |x| T::ONE / (T::ONE + x * x / (width * width));
///     derivative: |x, y| -(x + x) / (width * width) * y * y;
/// }
///
/// let tape = Tape::new();
/// let x = tape.variable(&Tensor::<f64>::scalar(1.0));
/// let y = tape.apply(InverseQuadratic { width: 1.0 }, &[x]);
/// assert_eq!((y.item(), y.backward().wrt(x).item()), (0.5, -0.5));
/// ```
///
/// A chain of ops written as one function makes one value on the tape instead of one for each, in
/// one pass over the memory. Its gradients, one for each input, are functions of the inputs, of `y`
/// and of `dy`; the inputs broadcast.
///
/// ```
/// use unspool_autograd::{elementwise, Tape, Tensor};
///
/// elementwise! {
///     /// The new state of an LSTM's cell: what is kept of the old one, and what comes in.
///     pub struct CellState = "cell_state";
///     value: |[keep, old, accept, new]| keep * old + accept * new;
///     gradients: |[keep, old, accept, new], _, dy| [dy * old, dy * keep, dy * new, dy * accept];
/// }
///
/// let tape = Tape::new();
/// let gates = [0.5, 8.0, 0.25, 4.0].map(|x| tape.variable(&Tensor::<f64>::scalar(x)));
/// let state = tape.apply(CellState, &gates);
/// let gradients = state.backward();
/// assert_eq!(state.item(), 5.0);
/// assert_eq!(gates.map(|x| gradients.wrt(x).item()), [8.0, 0.5, 4.0, 0.25]);
/// ```
#[macro_export]
macro_rules! elementwise {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $({ $($field:ident),+ $(,)? })? = $text:literal;
        value: |$x:pat_param| $value:expr;
        derivative: |$dx:tt, $dy:tt| $derivative:expr;
    ) => {
        $crate::elementwise! { @struct $(#[$meta])* $vis $name $({ $($field)+ })? }

        impl<T: $crate::Scalar> $crate::Op<T> for $name {
            fn name(&self) -> &'static str {
                $text
            }
            #[inline]
            fn forward(&self, x: $crate::Inputs<'_, T>) -> $crate::Tensor<T> {
                $($(let $field = T::from_f64(self.$field);)+)?
                $crate::elementwise::value(
                    $text,
                    x,
                    #[inline(always)]
                    |$x| $value,
                    #[inline(always)]
                    |$dx: T, $dy: T| $derivative,
                )
            }
            #[inline]
            fn saves(&self) -> $crate::Saves {
                $crate::Saves { inputs: $crate::elementwise!(@saves $dx), output: $crate::elementwise!(@saves $dy) }
            }
            #[inline]
            fn backward(
                &self,
                x: $crate::Inputs<'_, T>,
                y: &$crate::Tensor<T>,
                grad: $crate::Tensor<T>,
                into: &mut $crate::InputGrads<'_, T>,
            ) {
                $($(let $field = T::from_f64(self.$field);)+)?
                $crate::elementwise::gradient(
                    $text,
                    $crate::Op::<T>::saves(self),
                    x,
                    (y, grad),
                    into,
                    #[inline(always)]
                    |$dx: T, $dy: T| $derivative,
                );
            }
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $({ $($field:ident),+ $(,)? })? = $text:literal;
        value: |[$($x:ident),+ $(,)?]| $value:expr;
        gradients: |[$($dx:tt),+ $(,)?], $y:tt, $dy:ident| $gradients:expr;
    ) => {
        $crate::elementwise! { @struct $(#[$meta])* $vis $name $({ $($field)+ })? }

        impl<T: $crate::Scalar> $crate::Op<T> for $name {
            fn name(&self) -> &'static str {
                $text
            }
            #[inline]
            fn forward(&self, x: $crate::Inputs<'_, T>) -> $crate::Tensor<T> {
                $($(let $field = T::from_f64(self.$field);)+)?
                $crate::elementwise::value_of_several::<T, { [$(stringify!($x)),+].len() }>(
                    $text,
                    x,
                    #[inline(always)]
                    |[$($x,)+ ..]| $value,
                )
            }
            #[inline]
            fn saves(&self) -> $crate::Saves {
                $crate::Saves {
                    inputs: false $(|| $crate::elementwise!(@saves $dx))+,
                    output: $crate::elementwise!(@saves $y),
                }
            }
            #[allow(unused_variables)]
            #[inline]
            fn backward(
                &self,
                x: $crate::Inputs<'_, T>,
                y: &$crate::Tensor<T>,
                grad: $crate::Tensor<T>,
                into: &mut $crate::InputGrads<'_, T>,
            ) {
                $($(let $field = T::from_f64(self.$field);)+)?
                $crate::elementwise::gradients_of_several::<T, { [$(stringify!($dx)),+].len() }>(
                    $text,
                    $crate::Op::<T>::saves(self),
                    x,
                    (y, &grad),
                    into,
                    #[inline(always)]
                    |at| {
                        let [$($dx,)+ ..] = at;
                        let [.., $y, $dy] = at;
                        $gradients
                    },
                );
            }
        }
    };
    (@saves _) => { false };
    (@saves $argument:tt) => { true };
    (@struct $(#[$meta:meta])* $vis:vis $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name;
    };
    (@struct $(#[$meta:meta])* $vis:vis $name:ident { $($field:ident)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name {
            $(
                /// A number in the formulas.
                $vis $field: f64
            ),+
        }
    };
}
