//! Strided tensors of [`f32`] and [`f64`] on the CPU.
//!
//! This is the lowest floor of [unspool](https://docs.rs/unspool): storage, shapes, views, broadcasting,
//! elementwise functions as SIMD code chosen at run time, sums, and matrix products. It knows nothing of
//! gradients.
//!
//! ```
//! use unspool_tensor::{Scalar, Tensor};
//!
//! let x = Tensor::<f32>::from_vec(vec![1.0, 2.0, 3.0, 4.0], [2, 2]);
//! let w = Tensor::from_vec(vec![0.5, 0.0, 0.0, 0.5], [2, 2]);
//! let h = x.matmul(&w).map(Scalar::tanh);
//! assert_eq!(h.shape()[..], [2, 2]);
//! assert!((h.at([0, 1]) - 1f32.tanh()).abs() < 1e-6);
//! ```
//!
//! Mistakes with shapes are programming errors: they panic, in release builds too, with the operation, the
//! shapes and the caller's line. All unsafe code of the workspace is in this crate's `buffer`, `dual`, `pool`,
//! `simd` and `matmul` modules.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
mod buffer;
#[allow(unsafe_code)]
mod dual;
mod format;
mod fuse;
mod indices;
mod join;
mod layout;
mod map;
mod math;
#[allow(unsafe_code)]
mod matmul;
mod mean;
mod packed;
mod pick;
#[allow(unsafe_code)]
mod pool;
mod reduce;
mod rows;
mod scalar;
mod shape;
#[allow(unsafe_code)]
mod simd;
mod sort;
mod span;
mod tensor;
mod view;
mod walk;

pub use dual::Dual;
pub use indices::Indices;
pub use packed::Packed;
pub use pool::{bytes_allocated, release_memory};
pub use rows::{max_row, sum_row};
pub use scalar::{Real, Scalar};
pub use shape::{MAX_RANK, Shape};
pub use span::SliceRange;
pub use tensor::Tensor;
