//! Why training failed.

use crate::data::DataError;
use crate::io::{ErrorKind, FileError};
use crate::train::history::History;
use std::fmt;
use unspool_autograd::BadValue;

/// Why training did not start, or did not finish.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FitError {
    /// The named set of examples (training or validation) is empty.
    NoExamples(&'static str),
    /// The batch size is 0.
    EmptyBatch,
    /// The model has no parameters.
    NothingToTrain,
    /// A number in an example is infinite or NaN, and makes the loss, a gradient or a metric of
    /// that example infinite or NaN. Found before training, or in the first step that it spoils;
    /// then the weights are those before that step.
    Data {
        /// The set of examples: training or validation.
        set: &'static str,
        /// Where the number is: in the input or the target.
        what: &'static str,
        /// The index of the example in the set, from 0.
        example: usize,
        /// The time step, from 0, if these are sequences.
        step: Option<usize>,
        /// The index in the last axis, from 0.
        feature: usize,
        /// The number.
        value: f64,
        /// The history so far, if training had started.
        history: Option<Box<History>>,
    },
    /// The gradient of a parameter became infinite or NaN while the loss did not; the weights are
    /// those before that step.
    GradientNotFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in the epoch, from 1.
        batch: usize,
        /// The parameter's dotted name.
        parameter: String,
        /// Where the first number that is not finite comes from, if that was found.
        cause: Option<Box<BadValue>>,
        /// The history so far.
        history: Box<History>,
    },
    /// The loss became infinite or NaN; the weights are those before that step.
    NotFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in the epoch, from 1.
        batch: usize,
        /// The loss.
        loss: f64,
        /// The dotted name of the first parameter that is not finite or, if all are, of the first
        /// whose gradient is not.
        parameter: Option<String>,
        /// Where the first number that is not finite comes from, if that was found.
        cause: Option<Box<BadValue>>,
        /// The history so far.
        history: Box<History>,
    },
    /// The loss on the validation examples became infinite or NaN; the weights are those after that
    /// epoch.
    ValidationNotFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The loss.
        loss: f64,
        /// Where the first number that is not finite comes from, if that was found.
        cause: Option<Box<BadValue>>,
        /// The history so far.
        history: Box<History>,
    },
    /// A parameter became infinite or NaN in the last step of an epoch, or in the last step before
    /// a checkpoint, which is then not saved; if `fit` [looks for bad values](crate::train::Fit::find_bad_values), in
    /// any step, and so may the state of the optimizer. The weights are those after that step.
    ParameterNotFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in the epoch, from 1, after which it was found.
        batch: usize,
        /// The parameter's dotted name, or that of its state in the optimizer: `v.weight`.
        parameter: String,
        /// What the step made of what, if `fit` looks for bad values.
        cause: Option<Box<BadValue>>,
        /// The history so far.
        history: Box<History>,
    },
    /// A callback cannot work in this training, for the reason in the sentence.
    Callback(String),
    /// Before training: a checkpoint cannot be written or read, or belongs to another training, of
    /// [kind](FileError::kind) [`Mismatch`](ErrorKind::Mismatch).
    Checkpoint(FileError),
    /// A checkpoint could not be written; the weights are those that it would have held.
    NotSaved {
        /// Names the file and the reason.
        error: FileError,
        /// The history so far.
        history: Box<History>,
    },
    /// Examples could not be read from a [`DataSource`](crate::data::DataSource); the weights are those before the step
    /// that needs them.
    Read {
        /// The reason.
        error: DataError,
        /// The history so far, if training had started.
        history: Option<Box<History>>,
    },
    /// Over a [`World`](crate::train::World): training failed on another rank, and so ended on this one.
    RankStopped {
        /// The other rank.
        rank: usize,
        /// Its error.
        sentence: String,
        /// The history so far, if training had started.
        history: Option<Box<History>>,
    },
    /// Over a [`World`](crate::train::World): the ranks do not train the same, or cannot exchange messages. The
    /// sentence names what differs, or the reason.
    World {
        /// [`Io`](ErrorKind::Io) if messages cannot be exchanged, [`Mismatch`](ErrorKind::Mismatch) if the ranks differ.
        kind: ErrorKind,
        /// What differs, or the reason.
        sentence: String,
        /// The history so far, if training had started.
        history: Option<Box<History>>,
    },
}

impl FitError {
    /// The history up to the error, if training had started.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// let train = Dataset::new(Tensor::<f32>::ones([64, 3]), Tensor::zeros([64, 1]))?;
    /// let mut model = sequential().add(dense(3, 1));
    /// let sgd = Sgd::default().schedule(|step: usize| if step < 6 { 1.0 } else { 1e30 });
    /// let error = fit(&mut model, &train).loss(mse).optimizer(sgd).epochs(9).quiet().run().unwrap_err();
    /// assert_eq!(error.history().unwrap().loss.len(), 3);
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    pub fn history(&self) -> Option<&History> {
        match self {
            FitError::Data { history, .. }
            | FitError::Read { history, .. }
            | FitError::RankStopped { history, .. }
            | FitError::World { history, .. } => history.as_deref(),
            FitError::GradientNotFinite { history, .. }
            | FitError::NotFinite { history, .. }
            | FitError::ValidationNotFinite { history, .. }
            | FitError::ParameterNotFinite { history, .. }
            | FitError::NotSaved { history, .. } => Some(history),
            FitError::NoExamples(_)
            | FitError::EmptyBatch
            | FitError::NothingToTrain
            | FitError::Callback(_)
            | FitError::Checkpoint(_) => None,
        }
    }
}

impl FitError {
    /// The same error of the [data](FitError::Data), or of [reading](FitError::Read) them, with the history so far.
    pub(super) fn with_history(mut self, so_far: Box<History>) -> Self {
        if let FitError::Data { history, .. } | FitError::Read { history, .. } = &mut self {
            *history = Some(so_far);
        }
        self
    }

    /// Whether this names the example or the op at fault. If several ranks meet the same error, one knows.
    pub(super) fn has_cause(&self) -> bool {
        match self {
            FitError::GradientNotFinite { cause, .. }
            | FitError::NotFinite { cause, .. }
            | FitError::ValidationNotFinite { cause, .. } => cause.is_some(),
            _ => true,
        }
    }
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FitError::NoExamples(set) => write!(f, "the {set} set holds no examples: at least one is needed"),
            FitError::EmptyBatch => f.write_str("the batch size is 0: it must be at least 1"),
            FitError::NothingToTrain => f.write_str("the model has no parameters: there is nothing to train"),
            FitError::Data { set, what, example, step, feature, value, .. } => {
                write!(f, "the {set} {what} of example {example}, ")?;
                if let Some(step) = step {
                    write!(f, "step {step}, ")?;
                }
                write!(f, "feature {feature} (counted from 0) is {value}: what is computed from it is not finite")
            }
            FitError::GradientNotFinite { epoch, batch, parameter, cause, .. } => {
                write!(f, "the gradient of {parameter} is not finite in batch {batch} of epoch {epoch}")?;
                cause.as_ref().map_or(Ok(()), |cause| write!(f, ": {cause}"))
            }
            FitError::NotFinite { epoch, batch, loss, parameter, cause, .. } => {
                write!(f, "the loss became {loss} in batch {batch} of epoch {epoch}")?;
                if let Some(cause) = cause {
                    return write!(f, ": {cause}");
                }
                if let Some(parameter) = parameter {
                    write!(f, "; the first parameter or gradient that is not finite is that of {parameter}")?;
                }
                f.write_str(": try a smaller learning rate")
            }
            FitError::ValidationNotFinite { epoch, loss, cause, .. } => {
                write!(f, "the validation loss became {loss} in epoch {epoch}")?;
                match cause {
                    Some(cause) => write!(f, ": {cause}"),
                    None => f.write_str(", though all numbers in the examples are finite"),
                }
            }
            FitError::ParameterNotFinite { epoch, batch, cause: Some(cause), .. } => {
                write!(f, "after batch {batch} of epoch {epoch}, {cause}")
            }
            FitError::ParameterNotFinite { epoch, parameter, cause: None, .. } => {
                write!(
                    f,
                    "{parameter} is not finite after a step of epoch {epoch}: try a smaller learning rate, and find the \
                     step with `fit(..).find_bad_values()`"
                )
            }
            FitError::RankStopped { rank, sentence, .. } => write!(f, "rank {rank} has stopped: {sentence}"),
            FitError::Checkpoint(error) | FitError::NotSaved { error, .. } => error.fmt(f),
            FitError::Read { error, .. } => error.fmt(f),
            FitError::Callback(sentence) | FitError::World { sentence, .. } => f.write_str(sentence),
        }
    }
}

/// The system's error, if it failed. The sentences hold those of the errors in the variants.
impl std::error::Error for FitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FitError::Checkpoint(error) | FitError::NotSaved { error, .. } => error.source(),
            FitError::Read { error, .. } => error.source(),
            _ => None,
        }
    }
}
