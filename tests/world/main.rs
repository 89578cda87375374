//! Training on several ranks at once: the same bits at any number of them, and no rank that waits for one that has
//! stopped.

mod faults;
mod on_demand;
mod resume;
mod same_bits;

use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;
use unspool::prelude::*;
use unspool::train::{Callback, Progress, ThreadWorld};
use unspool_tests::values;

/// What `f` returns on each of `size` ranks; fails if they take longer than a minute, as those do that wait for each
/// other.
fn on_ranks<R: Send + 'static>(size: usize, f: impl Fn(&ThreadWorld) -> R + Send + Sync + 'static) -> Vec<R> {
    let (done, result) = channel();
    let thread = thread::spawn(move || {
        let results = ThreadWorld::run(size, f);
        let _ = done.send(());
        results
    });
    if result.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
        panic!("{size} ranks wait for each other");
    }
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Sequences of 20 steps, and a target each.
fn series(n: usize, seed: u64) -> Dataset {
    Dataset::new(values([20, n, 1], seed).cast(), values([n, 1], seed + 1).cast()).unwrap()
}

/// A text whose every third character depends on the two before it.
fn text(n: usize) -> Vec<usize> {
    let mut text = vec![1, 2];
    for i in 2..n {
        text.push(if i % 3 == 0 { (text[i - 1] * 3 + text[i - 2]) % 7 } else { (i * i + i / 5) % 7 });
    }
    text
}

/// All bits of a model's leaves.
fn bits<M: Params<Tensor>>(model: &M) -> Vec<u32> {
    let mut bits = Vec::new();
    model.visit_leaves(unspool::Path::ROOT, &mut |_, leaf| bits.extend(leaf.to_vec().into_iter().map(f32::to_bits)));
    bits
}

/// A callback that is called with the number of each step.
struct OnStep<F>(F);

impl<M, F: FnMut(usize) -> ControlFlow<()>> Callback<f32, M> for OnStep<F> {
    fn on_step(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        self.0(progress.steps)
    }
}
