//! Training as a task for `fit`, and measuring a trained model.

use crate::data::{Batch, PADDING, Pair};
use crate::model::Translator;
use crate::saved::Trained;
use unspool::data::buckets;
use unspool::prelude::*;
use unspool::text::Hypothesis;
use unspool::train::{BatchGradients, Ranks, Task};

/// Pairs per step of training.
pub(crate) const BATCH: usize = 64;

type Model = Translator<Tensor>;

/// Pairs to train on and to validate on. Batches hold sources of similar length, and every target
/// token counts the same.
#[derive(Default)]
pub(crate) struct Pairs {
    pub(crate) train: Vec<Pair>,
    pub(crate) valid: Vec<Pair>,
    /// The probability that an input of the decoder is the true token.
    pub(crate) teacher_ratio: f64,
    pub(crate) batches: Vec<Vec<usize>>,
    pub(crate) shards: Shards,
}

impl Task<f32, Model> for Pairs {
    fn set_ranks(&mut self, ranks: &Ranks) {
        self.shards.set_ranks(ranks);
    }

    fn begin_epoch(&mut self, seed: u64) -> usize {
        let lengths: Vec<usize> = self.train.iter().map(|pair| pair.source.len()).collect();
        self.batches = buckets(&lengths, BATCH, seed);
        self.batches.len()
    }

    fn gradients(&mut self, model: &Model, batch: usize, mode: Mode) -> BatchGradients<Model> {
        let pairs: Vec<&Pair> = self.batches[batch].iter().map(|&i| &self.train[i]).collect();
        let shards: Vec<_> =
            Shards::<f32>::ranges(pairs.len()).map(|range| Batch::new(&pairs[range])).enumerate().collect();
        let tokens = shards.iter().map(|(_, shard)| shard.tokens).sum::<usize>() as f64;
        let (loss, gradients) = self.shards.gradients(model, &shards, |_, net, (i, shard)| {
            let scores = net.translate(shard, self.teacher_ratio, mode.fold_in(*i));
            Translator::loss(scores, shard) * (shard.tokens as f64 / tokens)
        });
        BatchGradients { loss, gradients, weight: tokens }
    }

    fn metrics(&self) -> Vec<String> {
        ["val_loss", "val_accuracy"].map(String::from).to_vec()
    }

    fn evaluate(&mut self, model: &Model) -> Vec<f64> {
        let (loss, accuracy) = evaluate(model, &self.valid);
        vec![loss, accuracy]
    }

    fn settings(&self) -> Vec<(&'static str, u64)> {
        let [train, valid] = [&self.train, &self.valid].map(|pairs| pairs.len() as u64);
        let ratio = self.teacher_ratio.to_bits();
        vec![("number of training pairs", train), ("number of validation pairs", valid), ("teacher ratio", ratio)]
    }
}

/// The cross-entropy per token, and the fraction of tokens that have the highest score, each after
/// the true ones before it.
pub(crate) fn evaluate(model: &Model, pairs: &[Pair]) -> (f64, f64) {
    let chunks: Vec<Vec<&Pair>> = pairs.chunks(BATCH).map(|chunk| chunk.iter().collect()).collect();
    let sums = on_all_cores(&chunks, |tape, chunk| {
        let batch = Batch::new(chunk);
        let scores = tape.bind_frozen(model).translate(&batch, 1.0, Mode::Evaluation);
        let predicted = scores.argmax(2);
        let both = predicted.as_slice().iter().zip(batch.targets.as_slice());
        let right = both.filter(|(predicted, target)| **target != PADDING && predicted == target).count();
        [f64::from(Translator::loss(scores, &batch).item()) * batch.tokens as f64, right as f64, batch.tokens as f64]
    });
    let [nats, right, tokens] = [0, 1, 2].map(|i| sums.iter().map(|sums| sums[i]).sum::<f64>());
    (nats / tokens, right / tokens)
}

/// The translations of each source by a beam of this width, best first.
pub(crate) fn translations(trained: &Trained, sources: &[Vec<usize>], width: usize) -> Vec<Vec<Hypothesis>> {
    let Trained { languages, model } = trained;
    on_all_cores(sources, |tape, source| tape.bind_frozen(model).search(source, width, languages.unknown()))
}

/// `f` of each item, in order, on a tape for each core.
fn on_all_cores<I: Sync, R: Send>(items: &[I], f: impl Fn(&Tape, &I) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = |items: &[I]| -> Vec<R> {
        let mut tape = Tape::new();
        let one = |item| {
            let result = f(&tape, item);
            tape.reset();
            result
        };
        items.iter().map(one).collect()
    };
    std::thread::scope(|scope| {
        let shares = items.chunks(items.len().div_ceil(threads).max(1));
        let threads: Vec<_> = shares.map(|share| scope.spawn(|| work(share))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a search does not panic")).collect()
    })
}
