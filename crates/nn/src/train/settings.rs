//! The settings of a training, whatever its task.

use super::callback::Callback;
#[cfg(feature = "safetensors")]
use super::error::FitError;
use super::interrupt::Interrupt;
use super::world::World;
#[cfg(feature = "safetensors")]
use crate::io::FileError;
#[cfg(feature = "safetensors")]
use crate::io::files::try_replace;
use crate::mode::mix;
#[cfg(feature = "safetensors")]
use std::path::PathBuf;
use unspool_autograd::Scalar;

/// Everything except the model, the task and the optimizer.
pub(super) struct Settings<'a, T: Scalar, M> {
    /// Batches per step.
    pub accumulate: usize,
    pub epochs: usize,
    pub seed: u64,
    pub quiet: bool,
    pub track_gradients: bool,
    pub track_updates: bool,
    /// Whether every batch runs on tapes that keep all values.
    pub find_bad_values: bool,
    pub callbacks: Vec<Box<dyn Callback<T, M> + Send + 'a>>,
    pub interrupt: Interrupt,
    /// The world that trains, if it is more than this process.
    pub world: Option<Box<dyn World>>,
    #[cfg(feature = "safetensors")]
    pub files: CheckpointFiles,
}

impl<T: Scalar, M> Default for Settings<'_, T, M> {
    fn default() -> Self {
        Settings {
            accumulate: 1,
            epochs: 1,
            seed: 0,
            quiet: false,
            track_gradients: false,
            track_updates: false,
            find_bad_values: false,
            callbacks: Vec::new(),
            interrupt: Interrupt::new(),
            world: None,
            #[cfg(feature = "safetensors")]
            files: Default::default(),
        }
    }
}

impl<T: Scalar, M> Settings<'_, T, M> {
    /// The seed of the order of batches in an epoch, from 1.
    pub fn order_seed(&self, epoch: usize) -> u64 {
        // Stream 0 of the seed draws the order; the streams from 1 are the epochs', for dropout.
        mix(mix(self.seed, 0), epoch)
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
        let Some(path) = &self.checkpoint else { return Ok(()) };
        try_replace(path).map_err(FileError::cannot_save(path)).map_err(FitError::Checkpoint)
    }
}
