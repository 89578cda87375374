//! Infinite and NaN numbers in the examples, where they do harm.
//!
//! They are harmless in padding, in the target of an example of weight 0, and where the model and
//! the loss handle them. So an example that holds one is tried alone before it is blamed.

use super::error::FitError;
use super::supervised::Supervised;
use super::training_loop::first_not_finite;
use crate::data::dataset::Dataset;
use crate::data::examples::{Examples, OnTape};
use crate::data::parts::NotFinite;
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use crate::train::bad_batch::{at_loss, bad_example, explain};
use crate::train::batch_loss::batch_loss;
use crate::train::predictions::Predictions;
use crate::train::shards::Shards;
use crate::train::task::Task;
use crate::tuning::EXPLAINED_BYTES;
use unspool_autograd::mistake::catch;
use unspool_autograd::{BadValue, Cause, Params, Scalar, Tape, Tensor};

impl<T: Scalar, X: OnTape<T>, Y: OnTape<T>, L: Loss<T, Y>> Supervised<'_, T, X, Y, L> {
    /// Looks for a training example that makes the loss, a gradient or a metric infinite or NaN,
    /// among the first `limit` examples that hold such a number.
    ///
    /// # Errors
    /// If there is one.
    pub(super) fn check_training_data<M>(&self, model: &M, limit: usize) -> Result<(), FitError>
    where
        M: Model<T, X> + Send + Sync,
    {
        check("training", &self.train, limit, |example| {
            let bad = is_bad(Shards::new().batch_gradients(model, example, &self.loss, Mode::Evaluation));
            bad || (self.measures_training() && self.metric_is_nan(model, example))
        })
    }

    /// Why the loss or a gradient of a batch is not finite, and with which example.
    pub(super) fn explain_batch<M>(&mut self, model: &M, batch: usize, mode: Mode) -> Option<BadValue>
    where
        M: Model<T, X> + Send + Sync,
    {
        let mut bad = explain(|| self.gradients(model, batch, mode))?;
        if bad.cause != Cause::Variable {
            bad.example = self
                .bad_example(batch, |example| is_bad(Shards::new().batch_gradients(model, example, &self.loss, mode)));
        }
        Some(at_loss(bad, self.loss_at))
    }

    /// The index of the example of a batch that is bad by itself.
    fn bad_example(&self, batch: usize, is_bad: impl Fn(&Dataset<X, Y>) -> bool) -> Option<usize> {
        let examples = self.examples(batch);
        let found = bad_example(examples.len(), |i| is_bad(&self.train.slice_trimmed(examples[i], 1)));
        found.map(|i| examples[i])
    }

    /// Why the validation loss is not finite: what is found in the first example that is bad by itself.
    pub(super) fn explain_validation<M>(&self, model: &M) -> Option<BadValue>
    where
        M: Model<T, X> + Send + Sync,
    {
        let valid = self.valid.as_deref()?;
        let explain = |i: usize| {
            let (tape, one) = (Tape::new().keep_all_within(EXPLAINED_BYTES), valid.slice_trimmed(i, 1));
            let net = tape.bind_frozen(model);
            batch_loss::<T, M, X, Y, _>(&tape, &net, &one, &self.loss, Mode::Evaluation).bad_value()
        };
        let mut first = None;
        let example = bad_example(valid.len(), |i| {
            let bad = catch(|| explain(i)).unwrap_or(None);
            let is_bad = bad.is_some();
            first = first.take().or(bad);
            is_bad
        });
        let mut bad = first?;
        bad.example = example;
        Some(at_loss(bad, self.loss_at))
    }

    /// Looks for a validation example that makes the loss infinite or NaN, or a metric NaN.
    ///
    /// # Errors
    /// If there is one.
    pub(super) fn check_validation_data<M>(&self, model: &M, limit: usize) -> Result<(), FitError>
    where
        M: Model<T, X> + Send + Sync,
    {
        let Some(valid) = &self.valid else { return Ok(()) };
        check("validation", valid, limit, |example| {
            !Predictions::of(model, example).loss(&self.loss).is_finite() || self.metric_is_nan(model, example)
        })
    }
}

/// Whether a loss or its gradients are not finite.
pub(super) fn is_bad<T: Scalar, M: Params<Tensor<T>>>((loss, gradients): (f64, M)) -> bool {
    !loss.is_finite() || first_not_finite(&gradients).is_some()
}

/// Looks for an example with a number that is not finite for which `is_bad` holds.
fn check<X: Examples, Y: Examples>(
    set: &'static str,
    data: &Dataset<X, Y>,
    limit: usize,
    is_bad: impl Fn(&Dataset<X, Y>) -> bool,
) -> Result<(), FitError> {
    let bad = suspects(data, limit).into_iter().find(|suspect| is_bad(&data.slice_trimmed(suspect.example, 1)));
    let Some(Suspect { what, example, at: NotFinite { step, feature, value } }) = bad else { return Ok(()) };
    Err(FitError::Data { set, what, example, step, feature, value, history: None })
}

/// A number that is not finite, and its position.
struct Suspect {
    what: &'static str,
    example: usize,
    at: NotFinite,
}

/// The first number that is not finite of each input and of each target, for at most `limit`
/// examples each.
fn suspects<X: Examples, Y: Examples>(data: &Dataset<X, Y>, limit: usize) -> Vec<Suspect> {
    let mut suspects = of("input", data.x(), data, data.lengths(), limit);
    suspects.extend(of("target", data.y(), data, data.target_lengths(), limit));
    suspects
}

fn of<Z: Examples, X: Examples, Y: Examples>(
    what: &'static str,
    of: &Z,
    data: &Dataset<X, Y>,
    lengths: Option<&[usize]>,
    limit: usize,
) -> Vec<Suspect> {
    if of.is_finite() {
        return Vec::new();
    }
    // The target of an example of weight 0 is never read.
    let weights = data.weights().filter(|_| what == "target");
    let examples = (0..data.len()).filter(|&i| weights.is_none_or(|weights| weights[i] > 0.0));
    let first = |example: usize| {
        let at = of.not_finite(example, lengths.map(|lengths| lengths[example]))?;
        Some(Suspect { what, example, at })
    };
    examples.filter_map(first).take(limit).collect()
}
