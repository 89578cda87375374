//! Infinite and NaN numbers in the examples, where they do harm.
//!
//! They are harmless in padding, in the target of an example of weight 0, and where the model and
//! the loss handle them. So an example that holds one is tried alone before it is blamed.

use super::error::FitError;
use super::training_loop::{Training, first_not_finite};
use crate::data::dataset::Dataset;
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use crate::optim::optimizer::Optimizer;
use crate::train::history::History;
use crate::train::predictions::Predictions;
use crate::train::shards::Shards;
use crate::tuning::CHECKED_ELEMENTS;
use unspool_autograd::{Real, Scalar, Tensor};

impl<T, M, L, O> Training<'_, '_, T, M, L, O>
where
    T: Real,
    M: for<'t> Model<'t, T> + Send + Sync,
    L: Loss<T> + Send,
    O: Optimizer<T, M> + Send,
{
    /// Looks for a training example that makes the loss, a gradient or a metric infinite or NaN,
    /// among the first `limit` examples that hold such a number.
    ///
    /// # Errors
    /// If there is one.
    pub(super) fn check_training_data(&self, limit: usize, history: Option<Box<History>>) -> Result<(), FitError> {
        check("training", self.train, limit, history, |example| {
            let (loss, gradients) = Shards::new().batch_gradients(&*self.model, example, &self.loss, Mode::Evaluation);
            let bad = !loss.is_finite() || first_not_finite(&gradients).is_some();
            bad || (self.valid.is_none() && self.metric_is_nan(example))
        })
    }

    /// Looks for a validation example that makes the loss infinite or NaN, or a metric NaN.
    pub(super) fn check_validation_data(&self, limit: usize, history: Option<Box<History>>) -> Result<(), FitError> {
        let Some(valid) = self.valid else { return Ok(()) };
        check("validation", valid, limit, history, |example| {
            !Predictions::of(&*self.model, example).loss(&self.loss).is_finite() || self.metric_is_nan(example)
        })
    }

    fn metric_is_nan(&self, example: &Dataset<T>) -> bool {
        let outputs = Predictions::of(&*self.model, example);
        self.settings.metrics.iter().any(|(_, metric)| outputs.measure(metric).is_nan())
    }
}

/// Looks for an example with a number that is not finite for which `is_bad` holds.
fn check<T: Scalar>(
    set: &'static str,
    data: &Dataset<T>,
    limit: usize,
    history: Option<Box<History>>,
    is_bad: impl Fn(&Dataset<T>) -> bool,
) -> Result<(), FitError> {
    let bad = suspects(data, limit).into_iter().find(|suspect| is_bad(&data.slice_trimmed(suspect.example, 1)));
    let Some(Suspect { what, example, step, feature, value }) = bad else { return Ok(()) };
    Err(FitError::Data { set, what, example, step, feature, value, history })
}

/// A number that is not finite, and its position.
struct Suspect {
    what: &'static str,
    example: usize,
    step: Option<usize>,
    feature: usize,
    value: f64,
}

/// The first number that is not finite of each input and of each target, for at most `limit`
/// examples each.
fn suspects<T: Scalar>(data: &Dataset<T>, limit: usize) -> Vec<Suspect> {
    let of = |what: &'static str, of: &Tensor<T>, lengths: Option<&[usize]>| -> Vec<Suspect> {
        if is_finite(of) {
            return Vec::new();
        }
        // The target of an example of weight 0 is never read.
        let weights = data.weights().filter(|_| what == "target");
        let examples = (0..data.len()).filter(|&i| weights.is_none_or(|weights| weights[i] > 0.0));
        examples.filter_map(|i| first_in(what, of, i, lengths)).take(limit).collect()
    };
    let mut suspects = of("input", data.x(), data.lengths());
    suspects.extend(of("target", data.y(), data.target_lengths()));
    suspects
}

/// Without an early exit within a chunk, so that the loop runs at the speed of memory.
fn is_finite<T: Scalar>(of: &Tensor<T>) -> bool {
    let of = of.contiguous();
    let mut chunks = of.as_slice().expect("contiguous").chunks(CHECKED_ELEMENTS);
    chunks.all(|chunk| chunk.iter().fold(true, |all, x| all & x.is_finite()))
}

/// The first number of one example that is not finite.
fn first_in<T: Scalar>(
    what: &'static str,
    of: &Tensor<T>,
    example: usize,
    lengths: Option<&[usize]>,
) -> Option<Suspect> {
    let (axis, features) = (of.rank() - 2, of.shape()[of.rank() - 1]);
    let numbers = of.slice(axis, example..example + 1).to_vec();
    let end = lengths.map_or(numbers.len(), |lengths| lengths[example] * features);
    let at = numbers[..end].iter().position(|number| !number.is_finite())?;
    let step = (axis > 0).then_some(at / features);
    Some(Suspect { what, example, step, feature: at % features, value: numbers[at].to_f64() })
}
