//! The work that the benchmarks time: the workloads of `workloads.json` as programs, and what is measured about them.

#![forbid(unsafe_code)]
// No program prints these.
#![allow(missing_debug_implementations)]

pub mod by_hand;
pub mod cells;
mod flops;
pub mod memory;
pub mod models;
pub mod shards;
pub mod stats;
pub mod work;
pub mod workload;

use unspool::prelude::*;

/// Values without pattern, the same every time.
pub fn values(shape: impl Into<unspool::tensor::Shape>) -> Tensor {
    Tensor::from_fn(shape, |i| ((i * 7919 % 1009) as f32 / 504.5 - 1.0) * 0.5)
}

/// Forward and backward through a chain of `3 * iterations` small ops (`tanh(x * y + y)`) on `size` elements.
/// Returns a number that depends on all of them.
pub fn tape_chain(tape: &mut Tape, iterations: usize, x: &Tensor, y: &Tensor) -> f32 {
    let result = {
        let (x, y) = (tape.variable(x), tape.variable(y));
        let end = (0..iterations).fold(x, |x, _| (x * y + y).tanh());
        end.sum().backward().wrt(y).at([0])
    };
    tape.reset();
    result
}
