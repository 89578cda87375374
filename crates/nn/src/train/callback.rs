//! Taking part in a training.

use super::error::FitError;
use crate::optim::state_dict::{StateDict, StateDictError};
use crate::train::history::History;
use std::ops::ControlFlow;
use unspool_autograd::{Params, Scalar, Tensor};

/// Something that [`fit`](crate::train::fit()) calls while it trains, and that may end it. [`EarlyStopping`](crate::train::EarlyStopping)
/// is one.
///
/// ```
/// use std::ops::ControlFlow;
/// use unspool_nn::data::Dataset;
/// use unspool_nn::layers::{dense, sequential};
/// use unspool_nn::losses::mse;
/// use unspool_nn::train::{Callback, StopReason, Progress, fit};
/// use unspool_autograd::Tensor;
///
/// /// Ends training when the loss of an epoch is small enough.
/// struct Enough(f64);
///
/// impl<M> Callback<f32, M> for Enough {
///     fn on_epoch(&mut self, report: &Progress<'_, M>) -> ControlFlow<()> {
///         if report.loss < self.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
///     }
/// }
///
/// let train = Dataset::new(Tensor::<f32>::ones([64, 3]), Tensor::zeros([64, 1]))?;
/// let mut model = sequential().add(dense(3, 1));
/// let history = fit(&mut model, &train).loss(mse).epochs(10_000).callback(Enough(1e-3)).quiet().run()?;
/// assert!(history.stop_reason == StopReason::Stopped && history.loss.len() < 10_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A callback that remembers something that its decisions depend on writes [`on_begin`](Callback::on_begin) too, to begin
/// anew in every training, and [`memory`](Callback::state_dict) and [`restore`](Callback::load_state_dict), so that it is in
/// checkpoints.
pub trait Callback<T: Scalar, M> {
    /// Called before the first step, and before anything is [restored](Callback::load_state_dict): a callback that was in
    /// another training forgets it here, as Keras's do in `on_train_begin`.
    ///
    /// # Errors
    /// If the callback cannot do its work in this training: [`FitError::Callback`] with the reason.
    fn on_begin(&mut self, start: &Start<'_, M>) -> Result<(), FitError> {
        let _ = start;
        Ok(())
    }

    /// Called after each step; `Break` ends training.
    fn on_step(&mut self, report: &Progress<'_, M>) -> ControlFlow<()> {
        let _ = report;
        ControlFlow::Continue(())
    }

    /// Called after each epoch, and after validation; `Break` ends training.
    fn on_epoch(&mut self, report: &Progress<'_, M>) -> ControlFlow<()> {
        let _ = report;
        ControlFlow::Continue(())
    }

    /// Called when training has ended, but for errors, and may change the model.
    fn on_end(&mut self, model: &mut M) {
        let _ = model;
    }

    /// All that later calls depend on, and that is not a setting.
    fn state_dict(&self) -> StateDict<T> {
        StateDict::new()
    }

    /// Goes on where the callback stood that this memory is from; nothing changes if there is an error.
    ///
    /// # Errors
    /// If the memory is not that of such a callback in a training of such a model.
    fn load_state_dict(&mut self, model: &M, memory: &StateDict<T>) -> Result<(), StateDictError> {
        let _ = model;
        memory.reader().finish()
    }
}

/// A training that is about to begin, for its [`Callback`]s.
#[derive(Debug)]
#[non_exhaustive]
pub struct Start<'a, M> {
    /// The names of the curves that the [`History`] will hold.
    pub curves: &'a [String],
    /// The model before the first step.
    pub model: &'a M,
}

/// Where a training stands, for its [`Callback`]s.
#[derive(Debug)]
#[non_exhaustive]
pub struct Progress<'a, M> {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Steps of the optimiser done in all epochs.
    pub steps: usize,
    /// The loss of the step; after an epoch, its mean.
    pub loss: f64,
    /// The learning rate of the step, if the optimiser has such a thing.
    pub learning_rate: Option<f64>,
    /// The epochs that are done.
    pub history: &'a History,
    /// The model as it now is.
    pub model: &'a M,
}

/// A callback that is lent can be looked at afterwards.
impl<T: Scalar, M: Params<Tensor<T>>, C: Callback<T, M>> Callback<T, M> for &mut C {
    fn on_begin(&mut self, start: &Start<'_, M>) -> Result<(), FitError> {
        (**self).on_begin(start)
    }
    fn on_step(&mut self, report: &Progress<'_, M>) -> ControlFlow<()> {
        (**self).on_step(report)
    }
    fn on_epoch(&mut self, report: &Progress<'_, M>) -> ControlFlow<()> {
        (**self).on_epoch(report)
    }
    fn on_end(&mut self, model: &mut M) {
        (**self).on_end(model);
    }
    fn state_dict(&self) -> StateDict<T> {
        (**self).state_dict()
    }
    fn load_state_dict(&mut self, model: &M, memory: &StateDict<T>) -> Result<(), StateDictError> {
        (**self).load_state_dict(model, memory)
    }
}
