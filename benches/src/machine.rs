//! What the machine could do.

use crate::stats;
use std::time::Instant;
use unspool::prelude::*;

/// The number of fused multiply-adds in a row on each element.
const CHAIN: usize = 24;

/// Fused multiply-adds of one core at their fastest, in GFLOP/s (two operations each): chains of them on independent
/// elements that lie in the first-level cache, in the widest vectors that the processor has.
pub fn fma_peak() -> f64 {
    let mut x = Tensor::<f32>::full(0.5, [2048]);
    let ones = Tensor::<f32>::full(0.25, [2048]);
    let mut rates = Vec::new();
    for _ in 0..60 {
        let (repeats, started) = (200, Instant::now());
        for _ in 0..repeats {
            x.update(
                &ones,
                #[inline(always)]
                |x, y| {
                    let mut x = x;
                    for _ in 0..CHAIN {
                        x = x.mul_add(0.5, y);
                    }
                    x
                },
            );
        }
        let operations = (2 * CHAIN * x.elements() * repeats) as f64;
        rates.push(operations / started.elapsed().as_nanos() as f64);
    }
    std::hint::black_box(x);
    -stats::min(&rates.iter().map(|rate| -rate).collect::<Vec<_>>())
}
