//! Functions of a few numbers, mapped over rows, and the macro that defines them. Their derivatives
//! are derived.
//!
//! - `trace`: the operations of a function, for a block of rows, and the sweep back through them;
//! - `traced`: the number that notes them;
//! - `blocks`: which rows are traced together;
//! - `op`: the op on the tape, and Jacobians;
//! - `scan`: the op that applies the function at each step of time to the state that it returned last.

mod blocks;
mod op;
mod scan;
mod trace;
mod traced;

use crate::tape::Var;
use op::OverRows;
use scan::Scan;
use unspool_tensor::columns::Arrangement;
use unspool_tensor::{Number, Scalar, Tensor};

/// A function of `K` numbers that returns `M`, written over any [`Number`]: mapped over rows or over
/// elements, as one op whose gradient is derived. [`row_function!`](crate::row_function) defines one.
///
/// The value is one pass over the memory, in SIMD code where the function has no branches. For the
/// gradient, the function is called with blocks of rows in place of numbers, which note what is
/// computed; a sweep backwards over the notes adds up the gradients (reverse mode). Nothing is kept
/// between the two but the inputs (and the states of a [`scan`](RowFunction::scan)). Rows of a block that
/// take different branches are computed in smaller blocks, down to a row at a time, which is much slower.
pub trait RowFunction<const K: usize, const M: usize>: Clone + Send + Sync + 'static {
    /// The function's name, for messages.
    fn name(&self) -> &'static str;

    /// The function. Put `#[inline(always)]` on it, and on the functions that it calls: without,
    /// values may be computed row by row.
    fn call<N: Number>(&self, x: [N; K]) -> [N; M];

    /// The function of each row: inputs `[.., k]` whose last axes add up to `K`, to `[.., M]`. The
    /// other axes broadcast.
    ///
    /// # Panics
    /// If there is no input, the last axes do not add up to `K`, the other axes do not broadcast, or
    /// the inputs belong to different tapes.
    #[track_caller]
    fn map_rows<'t, T: Scalar>(&self, inputs: &[Var<'t, T>]) -> Var<'t, T> {
        ensure!(!inputs.is_empty(), "{}: no inputs were given", self.name());
        inputs[0].tape().apply(OverRows { function: self.clone(), arrangement: Arrangement::Rows }, inputs)
    }

    /// The function of the elements at each position of `K` inputs, which broadcast: `M` variables of
    /// their common shape.
    ///
    /// # Panics
    /// If the inputs do not broadcast, have six axes, or belong to different tapes.
    #[track_caller]
    fn map_elements<'t, T: Scalar>(&self, inputs: [Var<'t, T>; K]) -> [Var<'t, T>; M] {
        const { assert!(K > 0, "a row function takes one number or more") };
        let all =
            inputs[0].tape().apply(OverRows { function: self.clone(), arrangement: Arrangement::Planes }, &inputs);
        let mut outputs = [all; M];
        for (m, output) in outputs.iter_mut().enumerate() {
            *output = all.select(0, m);
        }
        outputs
    }

    /// The states of all steps, `M` variables `[T, ..]`: at each, the function takes its last results, an element of
    /// each of `inputs`, `[T, ..]`, and one of each of `constants`. The shapes of `state`, of constants and of a step
    /// of inputs broadcast. One op for all steps, for recurrent cells whose units do not see each other.
    ///
    /// ```
    /// use unspool::ops::{RowFunction, row_function};
    /// use unspool::{Tape, Tensor};
    ///
    /// row_function! {
    ///     /// A unit that sees itself alone: IndRNN.
    ///     struct Unit = "unit";
    ///     |[h, x, weight]| -> [T; 1] { [(x + weight * h).tanh()] }
    /// }
    ///
    /// let tape = Tape::new();
    /// let xs = tape.constant(&Tensor::<f64>::ones([100, 8, 16]));                           // [T, B, H]
    /// let weight = tape.variable(&Tensor::full(0.5, [16]));
    /// let [hs] = Unit.scan([tape.constant(&Tensor::zeros([8, 16]))], &[xs], &[weight]);     // [T, B, H]
    /// let gradients = hs.select(0, 99).sum().backward();                                    // through time
    /// let h = hs.value().at([99, 0, 0]);
    /// assert!((h - (1.0 + 0.5 * h).tanh()).abs() < 1e-12);
    /// let slope = 1.0 - h * h;
    /// assert!((gradients.wrt(weight).at([0]) - 8.0 * slope * h / (1.0 - 0.5 * slope)).abs() < 1e-12);
    /// ```
    ///
    /// Li et al. 2018, "Independently recurrent neural network (IndRNN)". The states are kept with the inputs
    /// for the backward pass, which computes each step again.
    ///
    /// # Panics
    /// If `state`, `inputs` and `constants` are not `K` together, no input states the number of steps or two differ in
    /// it, the shapes do not broadcast or have five axes, or the variables belong to different tapes.
    #[track_caller]
    fn scan<'t, T: Scalar>(
        &self,
        state: [Var<'t, T>; M],
        inputs: &[Var<'t, T>],
        constants: &[Var<'t, T>],
    ) -> [Var<'t, T>; M] {
        const { assert!(M > 0, "a scan has a state of one number or more") };
        let (with_steps, given) = (inputs.len(), M + inputs.len() + constants.len());
        ensure!(
            given == K,
            "{}: state, inputs and constants are {M}, {with_steps} and {} numbers, the function takes {K}",
            self.name(),
            constants.len()
        );
        let mut vars = [state[0]; K];
        vars.iter_mut().zip(state.iter().chain(inputs).chain(constants)).for_each(|(slot, var)| *slot = *var);
        let all = state[0].tape().apply(Scan { function: self.clone(), inputs: with_steps }, &vars);
        std::array::from_fn(|m| all.select(0, m))
    }

    /// The values `[.., M]` of all rows and their Jacobians `[.., M, N]` by the `N` numbers of `inputs`; those of
    /// `constants`, which come last, do not move. Both are given as to [`map_rows`](RowFunction::map_rows).
    ///
    /// # Panics
    /// If the last axes do not add up to `K`, or the other axes do not broadcast or are five.
    #[track_caller]
    fn jacobians<T: Scalar>(&self, inputs: &[&Tensor<T>], constants: &[&Tensor<T>]) -> (Tensor<T>, Tensor<T>) {
        op::jacobians(self, inputs, constants)
    }
}

/// Defines a function of a few numbers a row, without a derivative: see [`RowFunction`].
///
/// It is written as a closure over an array of numbers, of the type `T`, any [`Number`]. Fields of the
/// struct are `f64`; the formula gets them as `T`.
///
/// ```
/// use unspool::ops::{RowFunction, row_function};
/// use unspool::{Number, Tape, Tensor};
///
/// #[inline(always)]
/// fn square<N: Number>(x: N) -> N { x * x }
///
/// row_function! {
///     /// A point in the plane in polar coordinates around a center: radius and angle.
///     pub struct Polar = "polar";
///     |[center_x, center_y, x, y]| -> [T; 2] {
///         let (dx, dy) = (x - center_x, y - center_y);
///         [(square(dx) + square(dy)).sqrt(), dy.atan2(dx)]
///     }
/// }
///
/// let tape = Tape::new();
/// let center = tape.variable(&Tensor::from_vec(vec![1.0, 1.0], [2]));                   // of all rows
/// let points = tape.variable(&Tensor::from_vec(vec![5.0, 1.0, 1.0, 3.0], [2, 2]));
/// let polar = Polar.map_rows(&[center, points]);                                        // [2, 2]
/// assert_eq!(polar.value().select(1, 0).to_vec(), [4.0, 2.0]);
/// let gradients = polar.select(1, 0).sum().backward();                                  // of the sum of the radii
/// assert_eq!(gradients.wrt(points).to_vec(), [1.0, 0.0, 0.0, 1.0]);
/// assert_eq!(gradients.wrt(center).to_vec(), [-1.0, -1.0]);
///
/// let (values, jacobians) = Polar.jacobians(&[&center.value(), &points.value()], &[]);
/// assert_eq!((&values.shape()[..], &jacobians.shape()[..]), (&[2, 2][..], &[2, 2, 4][..]));
/// assert_eq!(jacobians.select(0, 1).to_vec(), [0.0, -1.0, 0.0, 1.0, 0.5, 0.0, -0.5, 0.0]);
/// ```
///
/// The gates of a cell take elements instead of rows, and return a variable each:
///
/// ```
/// use unspool::ops::{RowFunction, row_function};
/// use unspool::{Tape, Tensor};
///
/// row_function! {
///     /// The state c and the output h of an LSTM.
///     pub struct Gates = "gates";
///     |[i, f, g, o, c]| -> [T; 2] {
///         let c = f.sigmoid() * c + i.sigmoid() * g.tanh();
///         [c, o.sigmoid() * c.tanh()]
///     }
/// }
///
/// let tape = Tape::new();
/// let x = tape.variable(&Tensor::<f32>::zeros([8, 4 * 16]));
/// let [i, f, g, o] = x.chunks();
/// let [c, h] = Gates.map_elements([i, f, g, o, tape.constant(&Tensor::ones([8, 16]))]);
/// assert_eq!((&h.shape()[..], c.value().at([0, 0])), (&[8, 16][..], 0.5));
/// ```
#[macro_export]
macro_rules! row_function {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $({ $($field:ident),+ $(,)? })? = $text:literal;
        |[$($x:pat_param),+ $(,)?]| -> [T; $outputs:literal] $body:block
    ) => {
        $crate::elementwise! { @struct $(#[$meta])* $vis $name $({ $($field)+ })? }

        impl $crate::RowFunction<{ [$(stringify!($x)),+].len() }, $outputs> for $name {
            fn name(&self) -> &'static str {
                $text
            }
            #[inline(always)]
            fn call<T: $crate::Number>(&self, x: [T; { [$(stringify!($x)),+].len() }]) -> [T; $outputs] {
                $($(let $field = T::from_f64(self.$field);)+)?
                let [$($x),+] = x;
                $body
            }
        }
    };
}
