//! The loops under every op: which instructions run them, and how they walk strided memory.
//!
//! - `simd`: one loop, compiled for several instruction sets and chosen at run time;
//! - `blocks`: functions of runs, without a remainder;
//! - `strided`: several operands of one shape, walked together in runs.
//!
//! What must stay true: every closure of a hot loop carries `#[inline(always)]`, down to the
//! innermost; otherwise its body stays a scalar call.

pub(crate) mod blocks;
#[allow(unsafe_code)]
pub(crate) mod simd;
pub(crate) mod strided;
