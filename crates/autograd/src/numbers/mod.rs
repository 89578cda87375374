//! Derivatives of programs over single numbers, with loops and branches, nested in any order and mode.
//!
//! [`Tape`](crate::Tape) records ops on tensors; where a program computes with one number at a time, as a recursion, an
//! integration step or an optimizer's loop does, its some hundred nanoseconds an op are most of the work. Here an
//! operation costs a few. A function is written once, generic in its [`Number`](crate::Number), and called with
//!
//! - `f64` or `f32` for its value;
//! - [`Dual`](crate::Dual) for a derivative in one direction: forward mode, [`derivative`] and [`jvp`];
//! - [`Reverse`] for the derivatives with respect to all its inputs: reverse mode, [`gradient`];
//! - numbers of numbers for derivatives of derivatives: `Reverse<Dual<f64>>` in [`hvp`] and [`hessian`], and any other
//!   nesting where these functions are called in one another.
//!
//! ```
//! use unspool::Number;
//! use unspool::numbers::{derivative, gradient, hessian};
//!
//! fn rosenbrock<N: Number>([x, y]: [N; 2]) -> N {
//!     let (a, b) = (N::ONE - x, y - x * x);
//!     a * a + N::from_f64(100.0) * b * b
//! }
//!
//! let (value, [by_x, by_y]) = gradient(&[0.0, 1.0], |p| rosenbrock(p));
//! assert_eq!((value, by_x, by_y), (101.0, -2.0, 200.0));
//! assert_eq!(hessian(&[0.0, 1.0], |p| rosenbrock(p)), [[-398.0, 0.0], [0.0, 200.0]]);
//!
//! // A gradient in a derivative: how fast the gradient by y changes with x.
//! let (_, mixed) = derivative(0.5_f64, |x| {
//!     let (_, [_, by_y]) = gradient(&[x, x], |p| rosenbrock(p));
//!     by_y                                                        // 200 (x - x²)
//! });
//! assert_eq!(mixed, 200.0 * (1.0 - 2.0 * 0.5));
//! ```
//!
//! A closure sees two levels of numbers: its own, and those of the calls around it. One of the latter becomes a number of
//! its own with `constant`: `Reverse::constant(x)`, `Dual::constant(x)`. The types keep the levels apart: what does not fit
//! does not compile. One confusion is left to the caller: in `derivative(2.0, |x| .. derivative(1.0, |y| x + y) ..)` both
//! numbers are `Dual<f64>`, so that the inner derivative takes `x` for one that moves with `y`. Called at a number of the
//! outer level, `derivative(Dual::constant(1.0), |y| Dual::constant(x) + y)`, it has a type of its own.
//!
//! - `tape`: the record of what was computed, and its backward pass;
//! - `reverse`: a number on it;
//! - `container`: what a function takes: a number, an array, a slice;
//! - `function`: what is differentiated;
//! - `transforms`: derivatives of functions;
//! - `preaccumulate`: long programs in bounded memory.

mod container;
mod function;
mod preaccumulate;
mod reverse;
mod tape;
mod transforms;

pub use container::Numbers;
pub use function::{Function, FunctionOnce};
pub use preaccumulate::preaccumulate;
pub use reverse::Reverse;
pub use tape::{NumberGradients, NumberTape};
pub use transforms::{derivative, gradient, hessian, hvp, jvp};
