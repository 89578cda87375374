//! The outputs of a model on a data set, for losses and metrics.

use crate::data::dataset::Dataset;
use crate::data::examples::OnTape;
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use crate::train::batch_loss::{bound, loss_on, output, valid_steps};
use crate::train::on_threads::map_on_threads;
use crate::train::world::Ranks;
use crate::tuning::EVALUATED_EXAMPLES;
use std::ops::Range;
use unspool_autograd::{Scalar, Tape, Tensor};

/// The outputs of a model for all examples, and the targets, without padding. A metric that is not a
/// mean over examples, such as a root of a mean, needs all of them at once.
pub(crate) struct Predictions<T: Scalar, X, Y> {
    outputs: Tensor<T>,
    targets: Y,
    /// If examples have weights: chunks of outputs, and their examples.
    weighted: Vec<(Tensor<T>, Dataset<X, Y>)>,
}

impl<T: Scalar, X: OnTape<T>, Y: OnTape<T>> Predictions<T, X, Y> {
    #[track_caller]
    pub fn of<M: Model<T, X> + Sync>(model: &M, data: &Dataset<X, Y>) -> Self {
        Self::of_ranks(model, data, None)
    }

    /// The same, where each rank computes a part of the outputs and all get all of them.
    #[track_caller]
    pub fn of_ranks<M: Model<T, X> + Sync>(model: &M, data: &Dataset<X, Y>, ranks: Option<&Ranks<T>>) -> Self {
        let n = data.len().div_ceil(EVALUATED_EXAMPLES);
        let own = ranks.map_or(0..n, |ranks| ranks.own(n));
        // The output of each chunk; of sequences that end at different times, also without padding.
        let mut computed = map_chunks_of(own, data.len(), |start, rows| {
            let chunk = data.slice_trimmed(start, rows);
            let tape = Tape::new();
            let output = output::<T, M, X, Y>(&tape, &tape.bind_frozen(model), &chunk, Mode::Evaluation);
            let valid = chunk.target_lengths().map(|lengths| valid_steps(output, chunk.y(), lengths).value());
            [output.value()].into_iter().chain(valid).collect()
        });
        if let Some(ranks) = ranks {
            computed = ranks.all_tensors(n, computed);
        }
        let outputs = side_by_side(computed.iter().filter_map(|of_chunk| of_chunk.last()));
        let chunks = || (0..n).map(|i| data.slice_trimmed(i * EVALUATED_EXAMPLES, chunk_rows(i, data.len())));
        let targets = match data.target_lengths() {
            None => data.y().clone(),
            Some(_) => {
                let valid = |chunk: Dataset<X, Y>| chunk.y().valid_steps(chunk.target_lengths().unwrap_or_default());
                Y::join_rows(&chunks().map(valid).collect::<Vec<_>>())
            }
        };
        let whole = computed.iter().filter_map(|of_chunk| of_chunk.first().cloned());
        let weighted = data.weights().map_or_else(Vec::new, |_| whole.zip(chunks()).collect());
        Predictions { outputs, targets, weighted }
    }

    /// The value of a metric, which gets all outputs and targets at once.
    #[track_caller]
    pub fn measure(&self, metric: &impl Loss<T, Y>) -> f64 {
        let tape = Tape::new();
        let output = tape.constant(&self.outputs);
        metric(output, bound(&self.targets, output)).item().to_f64()
    }

    /// The loss, weighted if the examples have weights.
    #[track_caller]
    pub fn loss(&self, loss: &impl Loss<T, Y>) -> f64 {
        if self.weighted.is_empty() {
            return self.measure(loss);
        }
        // Collected first and added in order: the same bits at any number of threads.
        let sums = map_on_threads(self.weighted.len(), |i| {
            let (output, chunk) = &self.weighted[i];
            let tape = Tape::new();
            loss_on(tape.constant(output), chunk, loss).item().to_f64() * chunk.loss_count()
        });
        let count: f64 = self.weighted.iter().map(|(_, chunk)| chunk.loss_count()).sum();
        sums.into_iter().sum::<f64>() / count
    }
}

/// The parts along their axis of examples, the one before the last.
fn side_by_side<'a, T: Scalar>(parts: impl Iterator<Item = &'a Tensor<T>>) -> Tensor<T> {
    let parts: Vec<&Tensor<T>> = parts.collect();
    let [first, ..] = parts[..] else { fail!("evaluate: the data set holds no examples: at least one is needed") };
    let axis = first.rank().saturating_sub(2);
    if axis == 0 {
        return Tensor::concat(0, parts);
    }
    // A part of sequences ends with its longest one.
    let longest = parts.iter().map(|part| part.shape()[0]).max().unwrap_or(0);
    let padded: Vec<Tensor<T>> = parts
        .into_iter()
        .map(|part| match longest - part.shape()[0] {
            0 => part.clone(),
            rest => Tensor::concat(0, [part, &Tensor::zeros(part.shape().with(0, rest))]),
        })
        .collect();
    Tensor::concat(axis, &padded)
}

/// `f(start, len)` of every chunk of `n` examples, in order and on all threads: few enough examples
/// at once that their tape stays small.
pub(crate) fn map_chunks<R: Send>(n: usize, f: impl Fn(usize, usize) -> R + Sync) -> Vec<R> {
    map_chunks_of(0..n.div_ceil(EVALUATED_EXAMPLES), n, f)
}

/// The same of some of the chunks.
fn map_chunks_of<R: Send>(chunks: Range<usize>, n: usize, f: impl Fn(usize, usize) -> R + Sync) -> Vec<R> {
    map_on_threads(chunks.len(), |i| {
        let i = chunks.start + i;
        f(i * EVALUATED_EXAMPLES, chunk_rows(i, n))
    })
}

/// The number of examples in a chunk.
fn chunk_rows(i: usize, n: usize) -> usize {
    EVALUATED_EXAMPLES.min(n - i * EVALUATED_EXAMPLES)
}
