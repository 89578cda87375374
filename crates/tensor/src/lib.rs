//! Strided tensors of [`f32`] and [`f64`] on the CPU.
//!
//! This is the lowest floor of [unspool](https://docs.rs/unspool): storage, shapes, views,
//! broadcasting, elementwise functions as SIMD code chosen at run time, reductions, and matrix
//! products. It knows nothing of gradients.
//!
//! ```
//! use unspool::{Number, Tensor};
//!
//! let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]);
//! let w = Tensor::from_vec(vec![0.5, 0.0, 0.0, 0.5], [2, 2]);
//! let h = (x.matmul(&w) + 1.0).map(Number::tanh);
//! assert_eq!(h.shape()[..], [2, 2]);
//! assert!((h.at([0, 1]) - 2f32.tanh()).abs() < 1e-6);
//! assert_eq!(format!("{h:.2}"), "[[0.91 0.96]\n [0.99 1.  ]]");
//! ```
//!
//! Mistakes with shapes are programming errors: they panic, in release builds too, with the
//! operation, the shapes and the caller's line. All unsafe code of the workspace is in this crate,
//! in the files that its folders' `mod.rs` mark with `#[allow(unsafe_code)]`.

#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
#[macro_use]
pub mod mistake;

mod convert;
mod format;
mod indices;
mod loops;
mod matmul;
mod ops;
mod random;
mod scalar;
mod shape;
mod storage;
mod tensor;
mod tuning;

pub use convert::ConversionError;
pub use indices::Indices;
#[doc(hidden)]
pub use loops::simd::dispatch;
pub use matmul::packed::PackedMatrix;
#[doc(hidden)]
pub use ops::columns;
#[doc(hidden)]
pub use ops::recurrence as recurrences;
pub use ops::row_wise::{max_row, sum_row};
pub use ops::slice_range::SliceRange;
pub use random::{Rng, rng};
pub use scalar::dual::Dual;
pub use scalar::nested::{Forward, Nested, Nests};
pub use scalar::number::Number;
pub use scalar::tangents::Tangents;
pub use scalar::{Real, Scalar};
pub use shape::{MAX_RANK, Shape};
#[doc(hidden)]
pub use storage::append_list::AppendList;
pub use storage::counting_allocator::CountingAllocator;
pub use storage::pool::{bytes_allocated, bytes_held, release_memory};
pub use tensor::Tensor;
#[doc(hidden)]
pub use tuning::{DIRECTIONS, KEPT_ROUNDS};
