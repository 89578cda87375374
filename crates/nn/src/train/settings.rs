//! The settings of a training.

use super::callback::Callback;
#[cfg(feature = "safetensors")]
use super::error::FitError;
use super::interrupt::Interrupt;
use crate::data::Batches;
use crate::data::dataset::Dataset;
#[cfg(feature = "safetensors")]
use crate::io::files::try_replace;
use crate::mode::mix;
use std::borrow::Cow;
#[cfg(feature = "safetensors")]
use std::path::{Path, PathBuf};
use unspool_autograd::{Scalar, Var};

/// Everything except the model, the examples, the loss and the optimizer.
pub(super) struct Settings<'a, T: Scalar, M> {
    pub validation: Validation<'a, T>,
    pub batch_size: usize,
    /// Batches per step.
    pub accumulate: usize,
    pub epochs: usize,
    pub seed: u64,
    pub order: Order,
    pub quiet: bool,
    pub metrics: Vec<(String, Metric<'a, T>)>,
    pub callbacks: Vec<Box<dyn Callback<T, M> + Send + 'a>>,
    pub interrupt: Interrupt,
    #[cfg(feature = "safetensors")]
    pub files: CheckpointFiles,
}

/// A function of output and target.
pub(super) type Metric<'a, T> = Box<dyn for<'t> Fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T> + Send + Sync + 'a>;

pub(super) enum Validation<'a, T: Scalar> {
    None,
    On(&'a Dataset<T>),
    /// On this fraction of the training examples, the last ones.
    Last(f64),
}

/// The order of examples in an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    Shuffled,
    Unchanged,
    Buckets,
}

impl<T: Scalar, M> Default for Settings<'_, T, M> {
    fn default() -> Self {
        Settings {
            validation: Validation::None,
            batch_size: 32,
            accumulate: 1,
            epochs: 1,
            seed: 0,
            order: Order::Shuffled,
            quiet: false,
            metrics: Vec::new(),
            callbacks: Vec::new(),
            interrupt: Interrupt::new(),
            #[cfg(feature = "safetensors")]
            files: Default::default(),
        }
    }
}

impl<'a, T: Scalar, M> Settings<'a, T, M> {
    /// The training examples, and the validation examples.
    pub fn split(&self, data: &'a Dataset<T>) -> (Cow<'a, Dataset<T>>, Option<Cow<'a, Dataset<T>>>) {
        match self.validation {
            Validation::None => (Cow::Borrowed(data), None),
            Validation::On(valid) => (Cow::Borrowed(data), Some(Cow::Borrowed(valid))),
            Validation::Last(fraction) => {
                let held_back = (data.len() as f64 * fraction).round() as usize;
                let first = data.len() - held_back;
                (Cow::Owned(data.slice(0, first)), Some(Cow::Owned(data.slice(first, held_back))))
            }
        }
    }

    /// The batches of an epoch, from 1.
    #[track_caller]
    pub fn batches<'d>(&self, train: &'d Dataset<T>, epoch: usize) -> Batches<'d, T> {
        let batches = train.batches(self.batch_size);
        // Stream 0 of the seed draws the order; the streams from 1 are the epochs', for dropout.
        let seed = mix(mix(self.seed, 0), epoch);
        match self.order {
            Order::Shuffled => batches.shuffle(seed),
            Order::Unchanged => batches,
            Order::Buckets => batches.bucket_by_length(seed),
        }
    }
}

/// The checkpoint files of a training.
#[cfg(feature = "safetensors")]
#[derive(Default)]
pub(super) struct CheckpointFiles {
    /// Where to save, and how often: the number of steps from one save to the next, or at the end
    /// of epochs alone.
    pub checkpoint: Option<PathBuf>,
    pub every: Option<usize>,
    /// What to go on from.
    pub resume: Option<PathBuf>,
}

#[cfg(feature = "safetensors")]
impl CheckpointFiles {
    /// Tries to write before training: otherwise a file that cannot be written shows hours later,
    /// at the first checkpoint.
    pub fn try_checkpoint(&self) -> Result<(), FitError> {
        let cannot = |path: &Path, error| FitError::Checkpoint(format!("cannot save {}: {error}", path.display()));
        self.checkpoint.as_ref().map_or(Ok(()), |path| try_replace(path).map_err(|error| cannot(path, error)))
    }
}
