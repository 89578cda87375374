//! A reverse-mode tape over [`Tensor`]s.
//!
//! A [`Tape`] records every operation on its [`Var`]s; [`Var::backward`] walks the record once,
//! from the last entry to the first, and adds up gradients. Nothing recurses, so a tape of a
//! million steps works like one of ten: backpropagation through time is the tape, unrolled.
//!
//! A model is a struct generic in its leaf, with `#[derive(Params)]`: see [`Params`].
//!
//! ```
//! use unspool::{Params, Tape, Tensor, Var};
//!
//! #[derive(Params)]
//! struct Line<P> { slope: P, offset: P }
//!
//! let model = Line { slope: Tensor::<f64>::scalar(3.0), offset: Tensor::scalar(1.0) };
//! let mut tape = Tape::new();
//!
//! let line = tape.bind(&model);                               // Line<Var>
//! let x = tape.constant(&Tensor::from_vec(vec![1.0, 2.0], [2]));
//! let loss = (line.slope * x + line.offset).square().sum();   // 4² + 7²
//! let gradient = loss.backward().of(&line);                   // Line<Tensor>
//! tape.reset();                                               // a stale Var does not compile
//!
//! assert_eq!(gradient.slope.item(), 2.0 * (4.0 * 1.0 + 7.0 * 2.0));
//! assert_eq!(gradient.offset.item(), 2.0 * (4.0 + 7.0));
//! ```
//!
//! Each op has its value and its gradient in one place, in [`ops`]; your own ops implement the same
//! trait, [`Op`], or use the [`elementwise!`] macro. [`gradcheck`] checks any model against central
//! differences. Programs over single numbers, with loops and branches, have a tape of their own, and derivatives that nest in
//! any order: see [`numbers`].

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[macro_use(ensure, fail)]
extern crate unspool_tensor;

#[doc(hidden)]
pub mod at_callers_line;
mod bad_value;
#[doc(hidden)]
pub mod clock;
mod compiled;
#[doc(hidden)]
pub mod elementwise;
mod gradcheck;
mod gradients;
pub mod numbers;
pub mod ops;
mod params;
mod profile;
mod row_function;
mod rows;
mod scope;
mod tape;
mod transforms;
mod tuning;

pub use bad_value::{BadValue, Cause, Consequence, NumberRange};
pub use gradcheck::{GradcheckError, gradcheck};
pub use gradients::Gradients;
pub use ops::{Convolution, Operand};
pub use params::{Params, ParamsExt, Path, Segment};
pub use profile::{Cost, Profile, ProfileRow};
pub use row_function::RowFunction;
pub use rows::Rebind;
pub use scope::{Scope, here, isolated};
#[doc(hidden)]
pub use scope::{chained_scope, is_library, layer_scope, users_line};
#[doc(hidden)]
pub use tape::PushedInputs;
pub use tape::{InputGrads, Inputs, Op, Origin, Recomputable, Saves, Tape, Var};
pub use transforms::{
    SparseMatrix, Sparsity, hessian, hessian_diagonal, hvp, jacfwd, jacrev, jvp, jvps, sparse_hessian, sparse_jacobian,
    vjp,
};
/// Derives `Params` for a struct that is generic in its leaf.
///
/// ```
/// use unspool::{Dense, Params, ParamsExt, Tensor, rng};
///
/// #[derive(Params)]
/// struct Net<P> {
///     first: Dense<P>, // a child model
///     gain: P,         // a leaf
///     #[params(buffer)]
///     mean: P,         // saved, and not trained
///     rate: f64,       // configuration
/// }
///
/// let [gain, mean] = [(); 2].map(|()| Tensor::ones([2]));
/// let net = Net { first: Dense::<Tensor>::new(&mut rng(0), 3, 2), gain, mean, rate: 0.5 };
/// assert_eq!(net.names(), ["first.weight", "first.bias", "gain"]);
/// ```
pub use unspool_derive::Params;
pub use unspool_tensor::{
    ConversionError, CountingAllocator, Dual, Forward, Indices, MAX_RANK, Nested, Nests, Number, Real, Rng, Scalar,
    Shape, SliceRange, Tangents, Tensor, rng,
};
#[doc(hidden)]
pub use unspool_tensor::{dispatch, ensure, fail, mistake};
