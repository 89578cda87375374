//! What derivatives cost: each as a ratio to the objective, in runs that alternate in one process.

mod jacobians;
mod rows;

use std::time::{Duration, Instant};
use unspool::prelude::*;

fn main() {
    jacobians::report();
    rows::report();
}

/// The least time of each of some runs, in seconds; they alternate for some seconds, at least five times.
fn least<const N: usize>(mut runs: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut least = [Duration::MAX; N];
    let begun = Instant::now();
    for repetition in 0..1000 {
        for (least, run) in least.iter_mut().zip(&mut runs) {
            let begun = Instant::now();
            run();
            *least = begun.elapsed().min(*least);
        }
        if repetition >= 5 && begun.elapsed() > Duration::from_secs(3) {
            break;
        }
    }
    least.map(|time| time.as_secs_f64())
}

fn values(shape: impl Into<unspool::tensor::Shape>, scale: f64) -> Tensor<f64> {
    Tensor::from_fn(shape, |i| ((i * 7919 % 1009) as f64 / 504.5 - 1.0) * scale)
}
