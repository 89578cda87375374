//! Why a training ended before its end.

use std::fmt;

/// Why training did not run, or not to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum FitError {
    /// The named set of examples (training or validation) is empty.
    NoExamples(&'static str),
    /// The batch size is 0.
    EmptyBatch,
    /// The model has no parameters.
    NothingToTrain,
    /// The gradient of a parameter became infinite or NaN, though the loss did not; the weights are those before that
    /// step.
    GradientNotFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in the epoch, from 1.
        batch: usize,
        /// The parameter's dotted name.
        parameter: String,
    },
    /// The loss became infinite or NaN; the weights are those before that step.
    NotFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in the epoch, from 1.
        batch: usize,
        /// The loss.
        loss: f64,
    },
    /// A checkpoint could not be written or read, or is not one of this training: the sentence names the file and says why.
    Checkpoint(String),
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FitError::NoExamples(set) => write!(f, "the {set} set holds no examples: at least one is needed"),
            FitError::EmptyBatch => f.write_str("the batch size is 0: it must be at least 1"),
            FitError::NothingToTrain => f.write_str("the model has no parameters: there is nothing to train"),
            FitError::GradientNotFinite { epoch, batch, parameter } => {
                write!(f, "the gradient of {parameter} is not finite in batch {batch} of epoch {epoch}")
            }
            FitError::NotFinite { epoch, batch, loss } => {
                write!(f, "the loss became {loss} in batch {batch} of epoch {epoch}: try a smaller learning rate")
            }
            FitError::Checkpoint(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for FitError {}
