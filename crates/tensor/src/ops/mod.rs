//! The methods of [`Tensor`](crate::Tensor), by what they do. Each file is an `impl` block; none
//! but `elementwise`, `fold` and `sum` serves another.
//!
//! What must stay true: shapes are checked before anything is computed, a panic names the op, the
//! shapes and the caller's line (`#[track_caller]` all the way), and results have the same bits on
//! every run.

mod arithmetic;
#[doc(hidden)]
pub mod columns;
mod concat;
mod duals;
mod elementwise;
mod extrema;
mod fold;
mod gather;
mod in_place;
mod map_n;
mod mean;
mod powi;
#[doc(hidden)]
pub mod recurrence;
pub(crate) mod row_wise;
mod scan;
mod slice_assign;
pub(crate) mod slice_range;
mod sort;
mod sum;
mod view;
