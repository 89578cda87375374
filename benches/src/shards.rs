//! A training step in parts, one tape each.

use rayon::prelude::*;
use std::ops::Range;
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

/// The loss and the gradients of every parameter, with one part of the batch for each tape, on rayon's threads. The
/// parts are added in order.
pub fn gradients<K: Training>(tapes: &mut [Tape], model: &K::Model, batch: &K::Batch) -> (f32, K::Model) {
    let examples = K::examples(batch);
    let parts = tapes.len().min(examples);
    if parts <= 1 {
        return one_part::<K>(&mut tapes[0], model, batch, 1.0);
    }
    let cut = |i: usize| i * examples / parts;
    let results: Vec<(f32, K::Model)> = tapes[..parts]
        .par_iter_mut()
        .enumerate()
        .map(|(i, tape)| {
            let range = cut(i)..cut(i + 1);
            let share = range.len() as f64 / examples as f64;
            one_part::<K>(tape, model, &K::part(batch, range), share)
        })
        .collect();
    results.into_iter().reduce(add).expect("there is a part")
}

fn one_part<K: Training>(tape: &mut Tape, model: &K::Model, batch: &K::Batch, share: f64) -> (f32, K::Model) {
    let result = {
        let net = tape.bind(model);
        let mut loss = K::loss(&net, tape, batch);
        if share < 1.0 {
            loss = loss * share;
        }
        (loss.item(), loss.backward().of(&net))
    };
    tape.reset();
    result
}

fn add<M: Params<Tensor>>((loss_a, mut a): (f32, M), (loss_b, b): (f32, M)) -> (f32, M) {
    for (a, b) in a.leaves_mut().into_iter().zip(b.leaves()) {
        a.update(
            b,
            #[inline(always)]
            |a, b| a + b,
        );
    }
    (loss_a + loss_b, a)
}
