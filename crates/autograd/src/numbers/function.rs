//! Functions of numbers that are on a tape, or carry tangents.

/// A function or closure from `A` to `Y`: `FnOnce(A) -> Y`, as a bound with the result among its arguments. So written,
/// both may be numbers on a tape that the caller does not see: `for<'t> FunctionOnce<[Reverse<'t, f64>; 2], Reverse<'t, f64>>`.
pub trait FunctionOnce<A, Y>: FnOnce(A) -> Y {}
impl<A, Y, F: FnOnce(A) -> Y> FunctionOnce<A, Y> for F {}

/// The same that can be called again: `Fn(A) -> Y`.
pub trait Function<A, Y>: Fn(A) -> Y {}
impl<A, Y, F: Fn(A) -> Y> Function<A, Y> for F {}
