//! What the machine could do.

use std::time::Duration;
use unspool_autograd::Tensor;
use unspool_autograd::clock::{self, Instant};

/// The number of fused multiply-adds in a row.
const LENGTH: usize = 16;
/// The number of such chains for each element: one waits for the last result while others go on.
const CHAINS: usize = 4;
/// What makes them different.
const FACTORS: [f32; CHAINS] = [0.5, 0.4, 0.3, 0.2];
/// How long it is tried.
const TIME: Duration = Duration::from_millis(20);
/// Two more make one number of the chains.
const OPERATIONS: usize = 2 * (LENGTH * CHAINS + 2);

/// Fused multiply-adds of one core at their fastest, in GFLOP/s (two operations each): independent
/// chains of them on elements of `f32` in the first-level cache, in the widest vectors that the
/// processor has. Takes 20 ms.
///
/// ```
/// println!("{:.0} GFLOP/s", unspool::bench::fma_peak());
/// ```
///
/// # Panics
/// Where there is no clock: in a browser.
#[track_caller]
pub fn fma_peak() -> f64 {
    ensure!(clock::RUNS, "fma_peak: this platform has no clock to measure by");
    let mut x = Tensor::<f32>::full(0.5, [2048]);
    let y = Tensor::<f32>::full(0.25, [2048]);
    let repeats = 100;
    let mut rate = || {
        let started = Instant::now();
        for _ in 0..repeats {
            x.update(
                &y,
                #[inline(always)]
                |x, y| {
                    let mut chains = [x; CHAINS];
                    for _ in 0..LENGTH {
                        for (chain, factor) in chains.iter_mut().zip(FACTORS) {
                            *chain = chain.mul_add(factor, y);
                        }
                    }
                    let [a, b, c, d] = chains;
                    a.mul_add(b, c).mul_add(d, y)
                },
            );
        }
        (OPERATIONS * x.numel() * repeats) as f64 / started.elapsed().as_nanos() as f64
    };
    let (begun, mut fastest) = (Instant::now(), rate());
    while begun.elapsed() < TIME {
        fastest = rate().max(fastest);
    }
    std::hint::black_box(x);
    fastest
}
