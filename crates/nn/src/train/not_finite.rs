//! Numbers in the examples that are infinite or NaN, where they do harm.
//!
//! They do none behind the end of a sequence, in the target of an example of weight 0, or where model and loss know what to
//! make of them: so an example that holds one is tried by itself.

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
use unspool_autograd::{Real, Scalar, Tensor};

impl<T, M, L, O> Training<'_, '_, T, M, L, O>
where
    T: Real,
    M: for<'t> Model<'t, T> + Send + Sync,
    L: Loss<T> + Send,
    O: Optimizer<T, M> + Send,
{
    /// Looks for a training example that spoils loss, gradients or metrics, among so many with such numbers.
    ///
    /// # Errors
    /// If there is one.
    pub(super) fn blame_training(&self, most: usize, history: Option<Box<History>>) -> Result<(), FitError> {
        blame("training", self.train, most, history, |example| {
            let (loss, gradients) = Shards::new().batch_gradients(&*self.model, example, &self.loss, Mode::Evaluation);
            let spoilt = !loss.is_finite() || first_not_finite(&gradients).is_some();
            spoilt || (self.valid.is_none() && self.spoils_a_metric(example))
        })
    }

    /// Looks for a validation example that spoils loss or metrics.
    pub(super) fn blame_validation(&self, most: usize, history: Option<Box<History>>) -> Result<(), FitError> {
        let Some(valid) = self.valid else { return Ok(()) };
        blame("validation", valid, most, history, |example| {
            !Predictions::of(&*self.model, example).loss(&self.loss).is_finite() || self.spoils_a_metric(example)
        })
    }

    fn spoils_a_metric(&self, example: &Dataset<T>) -> bool {
        let outputs = Predictions::of(&*self.model, example);
        self.settings.metrics.iter().any(|(_, metric)| outputs.measure(metric).is_nan())
    }
}

/// Looks for an example of a set with which something goes wrong, because a number in it is not finite.
fn blame<T: Scalar>(
    set: &'static str,
    data: &Dataset<T>,
    most: usize,
    history: Option<Box<History>>,
    goes_wrong: impl Fn(&Dataset<T>) -> bool,
) -> Result<(), FitError> {
    let guilty = suspects(data, most).into_iter().find(|suspect| goes_wrong(&data.slice_cut(suspect.example, 1)));
    let Some(Suspect { what, example, step, feature, value }) = guilty else { return Ok(()) };
    Err(FitError::Data { set, what, example, step, feature, value, history })
}

/// Where a number stands, and what it is.
struct Suspect {
    what: &'static str,
    example: usize,
    step: Option<usize>,
    feature: usize,
    value: f64,
}

/// The first number that is not finite of each input, and of each target; of the first so many.
fn suspects<T: Scalar>(data: &Dataset<T>, most: usize) -> Vec<Suspect> {
    let of = |what: &'static str, of: &Tensor<T>, lengths: Option<&[usize]>| -> Vec<Suspect> {
        if is_finite(of) {
            return Vec::new();
        }
        // What is a target for an example that does not count is never looked at.
        let weights = data.weights().filter(|_| what == "target");
        let examples = (0..data.len()).filter(|&i| weights.is_none_or(|weights| weights[i] > 0.0));
        examples.filter_map(|i| first_in(what, of, i, lengths)).take(most).collect()
    };
    let mut suspects = of("input", data.x(), data.lengths());
    suspects.extend(of("target", data.y(), data.target_lengths()));
    suspects
}

/// Of all elements at once: a pass at the speed of memory.
fn is_finite<T: Scalar>(of: &Tensor<T>) -> bool {
    let of = of.contiguous();
    let mut chunks = of.as_slice().expect("contiguous").chunks(1024);
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
