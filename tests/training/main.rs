//! Losses, and what `fit` does around the steps: examples that count differently, callbacks, checkpoints.

mod afresh;
mod bad_values;
mod buffers;
mod callbacks;
mod checkpointing;
mod checkpoints;
mod confusion_matrix;
#[cfg(unix)]
mod ctrl_c;
mod examples;
mod fault_sentences;
mod golden_losses;
mod history;
mod learning;
mod line_sentences;
mod loss_sentences;
mod losses;
mod metrics;
mod not_finite;
#[cfg(unix)]
mod progress;
mod public_types;
mod resume;
mod sentences;
mod tasks;
mod tracking;

use unspool::prelude::*;
use unspool::train::History;
use unspool_tests::values;

/// 40 sequences of 1 to 6 steps, and the sum of each.
fn sequences() -> Dataset<Tensor<f64>> {
    let mut x: Tensor<f64> = values([6, 40, 1], 1);
    let lengths: Vec<usize> = (0..40).map(|i| 1 + i * 7 % 6).collect();
    for (at, x) in x.as_mut_slice().iter_mut().enumerate() {
        if at / 40 >= lengths[at % 40] {
            *x = 1e3; // after the end: never read
        }
    }
    let sum = |i: usize| (0..lengths[i]).map(|t| x.at([t, i, 0])).sum();
    let y = Tensor::from_fn([40, 1], sum);
    Dataset::new(x, y).unwrap().with_lengths(lengths).unwrap()
}

fn bits<M: ParamsExt<f64>>(model: &M) -> Vec<u64> {
    model.leaves().into_iter().flat_map(Tensor::to_vec).map(f64::to_bits).collect()
}

/// The history without the time that it took.
fn timeless(mut history: History) -> History {
    history.seconds = 0.0;
    history
}
