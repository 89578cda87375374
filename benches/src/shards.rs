//! A training step in parts, one tape each.

use std::ops::Range;
use unspool::Shards;
use unspool::prelude::*;

/// A model, the data it is trained on, and a loss: forward, backward and back to the start is one step.
pub trait Training {
    /// The model, holding its weights or gradients.
    type Model: Params<Tensor> + Send + Sync;
    /// The inputs and targets.
    type Batch: Send + Sync;

    /// The number of examples.
    fn examples(batch: &Self::Batch) -> usize;

    /// Some of the examples.
    fn part(batch: &Self::Batch, examples: Range<usize>) -> Self::Batch;

    /// The mean loss of the bound model.
    fn loss<'t>(net: &<Self::Model as Params<Tensor>>::With<Var<'t>>, tape: &'t Tape, batch: &Self::Batch) -> Var<'t>;
}

/// A batch in parts, with the share of each.
pub type Parts<K> = Vec<(<K as Training>::Batch, f64)>;

/// The batch cut into as many parts, or as many as it has examples.
pub fn cut<K: Training>(batch: &K::Batch, parts: usize) -> Parts<K> {
    let examples = K::examples(batch);
    let parts = parts.clamp(1, examples);
    let range = |i: usize| i * examples / parts..(i + 1) * examples / parts;
    (0..parts).map(|i| (K::part(batch, range(i)), range(i).len() as f64 / examples as f64)).collect()
}

/// The loss and the gradients of every parameter.
pub fn gradients<K: Training>(shards: &mut Shards, model: &K::Model, parts: &Parts<K>) -> (f64, K::Model) {
    shards.gradients(model, parts, |tape, net, (batch, share)| {
        let loss = K::loss(net, tape, batch);
        if *share < 1.0 { loss * *share } else { loss }
    })
}
