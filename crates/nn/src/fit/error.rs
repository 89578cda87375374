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
        /// The dotted name of the first parameter that is not finite itself or, if all are, whose gradient is not.
        parameter: Option<String>,
    },
    /// A parameter became infinite or NaN in the last step of an epoch, or in one after which a checkpoint was to be saved: it
    /// is not.
    ParameterNotFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The parameter's dotted name.
        parameter: String,
    },
    /// A callback cannot do its work in this training: the sentence says why.
    Callback(String),
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
            FitError::NotFinite { epoch, batch, loss, parameter } => {
                write!(f, "the loss became {loss} in batch {batch} of epoch {epoch}")?;
                if let Some(parameter) = parameter {
                    write!(f, "; the first parameter or gradient that is not finite is that of {parameter}")?;
                }
                f.write_str(": try a smaller learning rate, or look for such numbers in the examples")
            }
            FitError::ParameterNotFinite { epoch, parameter } => {
                write!(f, "{parameter} is not finite after a step of epoch {epoch}: try a smaller learning rate")
            }
            FitError::Callback(sentence) | FitError::Checkpoint(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for FitError {}
