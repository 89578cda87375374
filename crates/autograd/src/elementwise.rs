//! Elementwise functions, and the macro that defines them as ops.

use crate::tape::{InputGrads, Inputs, Saves};
use unspool_tensor::{Scalar, Shape, Tensor};

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
    ensure!(x.len() == 1, "{name}: {} inputs were given to a function of 1", x.len());
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
    let least = into.least();
    into.pass_on(0, || {
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
            |dy, x, y| (dy * derivative(x, y)).flush(least),
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
    value: impl Fn([T; N]) -> T,
) -> Tensor<T> {
    ensure!(x.len() == N, "{name}: {} inputs were given to a function of {N}", x.len());
    let common = x.iter().try_fold(Shape::from([]), |common, x| common.broadcast(&x.shape()));
    if common.is_none() {
        let shapes: Vec<String> = x.iter().map(|x| x.shape().to_string()).collect();
        fail!("{name}: shapes {} and {} do not broadcast", shapes[..N - 1].join(", "), shapes[N - 1]);
    }
    Tensor::map_n_named(name, std::array::from_fn(|k| &x[k]), value)
}

/// The gradient with respect to input `i` of a function of `N` numbers. `of` gets the inputs, `y`
/// and `dy`; `M` is `N + 2`.
#[doc(hidden)]
#[inline(always)]
pub fn gradient_of_several<T: Scalar, const N: usize, const M: usize>(
    (name, saves): (&str, Saves),
    x: Inputs<'_, T>,
    (y, dy): (&Tensor<T>, &Tensor<T>),
    into: &mut InputGrads<'_, T>,
    i: usize,
    of: impl Fn([T; N], T, T) -> T,
) {
    // What the gradients do not read may be released: `dy` replaces it.
    let operand = |k: usize| match k {
        _ if k < N && saves.inputs => &x[k],
        _ if k == N && saves.output => y,
        _ => dy,
    };
    let least = into.least();
    into.pass_on(i, || {
        Tensor::map_n_named(
            name,
            std::array::from_fn::<_, M, _>(operand),
            #[inline(always)]
            |at| {
                of(
                    std::array::from_fn(
                        #[inline(always)]
                        |k| at[k],
                    ),
                    at[N],
                    at[N + 1],
                )
                .flush(least)
            },
        )
    });
}

/// Defines an op by an elementwise function of one or more values, and its derivative.
///
/// An argument that the derivative does not use is written `_`: its elements are not kept. The
/// formulas name the element type, any [`Scalar`], as `T`. Fields of the struct are `f64`; the
/// formulas get them as `T`.
///
/// ```
/// use unspool::ops::elementwise;
/// use unspool::{Tape, Tensor};
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
/// and of `dy`; the inputs broadcast. The gradients are written as a list, since each is compiled as a
/// loop of its own, which computes it alone: for an input that needs no gradient nothing is computed.
///
/// ```
/// use unspool::ops::elementwise;
/// use unspool::{Tape, Tensor};
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

        impl $crate::Op for $name {
            fn name(&self) -> &'static str {
                $text
            }
            #[track_caller]
            #[inline(always)] // into Tape::apply, not only into the replay of a checkpointed segment
            fn forward<T: $crate::Scalar>(&self, x: $crate::Inputs<'_, T>) -> $crate::Tensor<T> {
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
            fn backward<T: $crate::Scalar>(
                &self,
                x: $crate::Inputs<'_, T>,
                y: &$crate::Tensor<T>,
                grad: $crate::Tensor<T>,
                into: &mut $crate::InputGrads<'_, T>,
            ) {
                $($(let $field = T::from_f64(self.$field);)+)?
                $crate::elementwise::gradient(
                    $text,
                    $crate::Op::saves(self),
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
        gradients: |$dx:tt, $y:tt, $dy:ident| [$($gradient:expr),+ $(,)?];
    ) => {
        $crate::elementwise! { @struct $(#[$meta])* $vis $name $({ $($field)+ })? }

        const _: () = {
            let values = $crate::elementwise!(@count [$($x),+]);
            let (inputs, gradients) = ($crate::elementwise!(@count $dx), [$(stringify!($gradient)),+].len());
            assert!(values == inputs && inputs == gradients, "elementwise! takes one gradient for each input");
        };

        impl $crate::Op for $name {
            fn name(&self) -> &'static str {
                $text
            }
            #[track_caller]
            #[inline(always)] // into Tape::apply, not only into the replay of a checkpointed segment
            fn forward<T: $crate::Scalar>(&self, x: $crate::Inputs<'_, T>) -> $crate::Tensor<T> {
                $($(let $field = T::from_f64(self.$field);)+)?
                $crate::elementwise::value_of_several::<T, { $crate::elementwise!(@count [$($x),+]) }>(
                    $text,
                    x,
                    #[inline(always)]
                    |[$($x),+]| $value,
                )
            }
            #[inline]
            fn saves(&self) -> $crate::Saves {
                $crate::Saves {
                    inputs: $crate::elementwise!(@saves_any $dx),
                    output: $crate::elementwise!(@saves $y),
                }
            }
            #[allow(unused_variables)]
            #[inline]
            fn backward<T: $crate::Scalar>(
                &self,
                x: $crate::Inputs<'_, T>,
                y: &$crate::Tensor<T>,
                grad: $crate::Tensor<T>,
                into: &mut $crate::InputGrads<'_, T>,
            ) {
                $($(let $field = T::from_f64(self.$field);)+)?
                let saves = $crate::Op::saves(self);
                let mut input = 0;
                $(
                    $crate::elementwise::gradient_of_several::<
                        T,
                        { $crate::elementwise!(@count $dx) },
                        { $crate::elementwise!(@count $dx) + 2 },
                    >(
                        ($text, saves),
                        x,
                        (y, &grad),
                        into,
                        input,
                        #[inline(always)]
                        |$dx, $y, $dy| $gradient,
                    );
                    input += 1;
                )+
            }
        }
    };
    (@count [$($x:tt),+ $(,)?]) => { [$(stringify!($x)),+].len() };
    (@saves_any [$($x:tt),+ $(,)?]) => { false $(|| $crate::elementwise!(@saves $x))+ };
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
