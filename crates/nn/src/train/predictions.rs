//! The outputs of a model on a data set, for losses and metrics.

use crate::data::dataset::Dataset;
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use crate::train::batch_loss::{loss_on, valid_steps};
use crate::tuning::EVALUATED_EXAMPLES;
use rayon::prelude::*;
use unspool_autograd::{Scalar, Tape, Tensor, Var};

/// The outputs of a model for all examples, and the targets. A metric that is not a mean
/// over examples, such as a root of a mean, needs all of them at once.
pub(crate) struct Predictions<T: Scalar> {
    /// Outputs and targets of all examples; of sequences of different lengths, of all valid steps.
    all: [Tensor<T>; 2],
    /// Outputs and their examples by chunk, if the examples have weights.
    weighted: Vec<(Tensor<T>, Dataset<T>)>,
}

impl<T: Scalar> Predictions<T> {
    /// # Panics
    /// If there are no examples, or they do not fit the model.
    #[track_caller]
    pub fn of<M>(model: &M, data: &Dataset<T>) -> Self
    where
        M: for<'t> Model<'t, T> + Sync,
    {
        let chunks = map_chunks(data.len(), |start, rows| {
            let chunk = data.slice_trimmed(start, rows);
            let tape = Tape::new();
            let output =
                M::output(&tape.bind_frozen(model), tape.constant(chunk.x()), chunk.lengths(), Mode::Evaluation);
            let target = tape.constant(chunk.y());
            let both = match chunk.target_lengths() {
                None => [output, target],
                Some(lengths) => valid_steps(output, target, lengths).map(rows_of),
            };
            (both.map(|of| of.value()), output.value(), chunk)
        });
        let all = [0, 1].map(|i| side_by_side(chunks.iter().map(|(both, ..)| &both[i])));
        let weighted = chunks.into_iter().filter(|(.., chunk)| chunk.weights().is_some());
        Predictions { all, weighted: weighted.map(|(_, output, chunk)| (output, chunk)).collect() }
    }

    /// A metric of all outputs and targets, without weights.
    #[track_caller]
    pub fn measure(&self, metric: &impl Loss<T>) -> f64 {
        let tape = Tape::new();
        let [output, target] = self.all.each_ref().map(|of| tape.constant(of));
        metric(output, target).item().to_f64()
    }

    /// The same without weights; with weights, the weighted mean of the losses of single examples.
    #[track_caller]
    pub fn loss(&self, loss: &impl Loss<T>) -> f64 {
        if self.weighted.is_empty() {
            return self.measure(loss);
        }
        let sums = self.weighted.par_iter().map(|(output, chunk)| {
            let tape = Tape::new();
            loss_on(tape.constant(output), chunk, loss).item().to_f64() * chunk.loss_count()
        });
        // Collected first and added in order: the same bits at any number of threads.
        let sums: Vec<f64> = sums.collect();
        let count: f64 = self.weighted.iter().map(|(_, chunk)| chunk.loss_count()).sum();
        sums.into_iter().sum::<f64>() / count
    }
}

/// `[T, B, F]` as `[T B, F]`.
fn rows_of<T: Scalar>(of: Var<'_, T>) -> Var<'_, T> {
    let shape = of.shape();
    let features = shape[shape.rank() - 1];
    of.reshape([shape[..shape.rank() - 1].iter().product(), features])
}

/// The parts along their axis of examples, the one before the last.
fn side_by_side<'a, T: Scalar>(parts: impl Iterator<Item = &'a Tensor<T>>) -> Tensor<T> {
    let parts: Vec<&Tensor<T>> = parts.collect();
    let [first, ..] = parts[..] else { panic!("evaluate: the data set holds no examples: at least one is needed") };
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
    (0..n.div_ceil(EVALUATED_EXAMPLES))
        .into_par_iter()
        .map(|i| f(i * EVALUATED_EXAMPLES, EVALUATED_EXAMPLES.min(n - i * EVALUATED_EXAMPLES)))
        .collect()
}
