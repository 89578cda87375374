//! Functions of numbers that are on a tape, or carry tangents.

/// A function or closure from `A` to `Y`: `FnOnce(A) -> Y`, as a bound with the result among its arguments. So written,
/// both may be numbers on a tape that the caller does not see: `for<'t> FunctionOnce<[Reverse<'t, f64>; 2], Reverse<'t, f64>>`.
///
/// ```
/// use unspool::numbers::{FunctionOnce, NumberTape, Reverse};
/// fn slope(f: impl for<'t> FunctionOnce<Reverse<'t, f64>, Reverse<'t, f64>>, x: f64) -> f64 {
///     let tape = NumberTape::new();
///     let x = tape.variable(x);
///     f(x).backward().wrt(x)
/// }
/// assert_eq!(slope(|x| x * x, 3.0), 6.0);
/// ```
pub trait FunctionOnce<A, Y>: FnOnce(A) -> Y {}
impl<A, Y, F: FnOnce(A) -> Y> FunctionOnce<A, Y> for F {}

/// The same that can be called again: `Fn(A) -> Y`.
///
/// ```
/// use unspool::numbers::Function;
/// fn twice(f: impl Function<f64, f64>, x: f64) -> f64 {
///     f(f(x))
/// }
/// assert_eq!(twice(|x| 2.0 * x, 3.0), 12.0);
/// ```
pub trait Function<A, Y>: Fn(A) -> Y {}
impl<A, Y, F: Fn(A) -> Y> Function<A, Y> for F {}
