//! Callbacks: code of yours that `fit` calls.

use super::error::FitError;
use crate::optim::norms;
use crate::optim::state_dict::{StateDict, StateDictError};
use crate::train::history::History;
use std::ops::ControlFlow;
use unspool_autograd::{Params, Scalar, Tensor};

/// A hook that [`fit`](crate::train::fit()) calls while it trains, and that may stop training.
/// [`EarlyStopping`](crate::train::EarlyStopping) is one.
///
/// ```
/// use std::ops::ControlFlow;
/// use unspool::prelude::*;
/// use unspool::train::{Callback, Progress, StopReason};
///
/// /// Stops training when the loss of an epoch is small enough.
/// struct Enough(f64);
///
/// impl<M> Callback<f32, M> for Enough {
///     fn on_epoch(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
///         if progress.loss < self.0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
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
/// A callback whose decisions depend on what it saw before also implements
/// [`on_begin`](Callback::on_begin), to start afresh in every training, and
/// [`state_dict`](Callback::state_dict) and [`load_state_dict`](Callback::load_state_dict), to be
/// part of checkpoints.
pub trait Callback<T: Scalar, M> {
    /// Called before the first step, and before any [state is loaded](Callback::load_state_dict): a
    /// callback that took part in another training resets itself here, as Keras's do in
    /// `on_train_begin`.
    ///
    /// # Errors
    /// If the callback cannot work in this training: [`FitError::Callback`] with the reason.
    fn on_begin(&mut self, start: &Start<'_, M>) -> Result<(), FitError> {
        let _ = start;
        Ok(())
    }

    /// Called after each step; `Break` stops training.
    fn on_step(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        let _ = progress;
        ControlFlow::Continue(())
    }

    /// Called after each epoch and its validation; `Break` stops training.
    fn on_epoch(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        let _ = progress;
        ControlFlow::Continue(())
    }

    /// The best epoch so far, from 1, if this callback looks for it: for
    /// [`History::best_epoch`].
    fn best_so_far(&self) -> Option<usize> {
        None
    }

    /// Called when training has ended without an error; may change the model.
    fn on_end(&mut self, model: &mut M) {
        let _ = model;
    }

    /// Everything that later calls depend on, other than settings.
    fn state_dict(&self) -> StateDict<T> {
        StateDict::new()
    }

    /// Continues from a saved state; on an error nothing changes.
    ///
    /// # Errors
    /// If the state does not come from such a callback in the training of such a model.
    fn load_state_dict(&mut self, model: &M, state: &StateDict<T>) -> Result<(), StateDictError> {
        let _ = model;
        state.reader().finish()
    }
}

/// A training that is about to start, for its [`Callback`]s.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::train::{Callback, FitError, Start};
/// /// Prints a table of the model before the training.
/// struct Table;
/// impl<M: Params<Tensor>> Callback<f32, M> for Table {
///     fn on_begin(&mut self, start: &Start<'_, M>) -> Result<(), FitError> {
///         println!("{}{:?}", summary(start.model), start.curves);
///         Ok(())
///     }
/// }
/// let data = Dataset::new(Tensor::<f32>::ones([64, 3]), Tensor::zeros([64, 1]))?;
/// fit(&mut sequential().add(dense(3, 1)), &data).loss(mse).callback(Table).quiet().run()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Start<'a, M> {
    /// The names of the curves that the [`History`] will have.
    pub curves: &'a [String],
    /// The model before the first step.
    pub model: &'a M,
}

/// How far training has come, for its [`Callback`]s.
///
/// The norms are computed when they are requested, and cost nothing otherwise:
///
/// ```
/// use std::ops::ControlFlow;
/// use unspool::prelude::*;
/// use unspool::train::{Callback, Progress};
///
/// struct Log;
///
/// impl<M: Params<Tensor>> Callback<f32, M> for Log {
///     fn on_step(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
///         println!("step {}: loss {:.4}", progress.steps, progress.loss);
///         for (name, norm) in progress.gradient_norms().unwrap() {
///             println!("  gradient norm of {name}: {norm:.2e}"); // layers.0.weight, layers.0.bias
///         }
///         println!("  update-to-weight ratio: {:.2e}", progress.update_ratio().unwrap());
///         ControlFlow::Continue(())
///     }
/// }
///
/// let train = Dataset::new(Tensor::<f32>::ones([64, 3]), Tensor::zeros([64, 1]))?;
/// let mut model = sequential().add(dense(3, 1));
/// fit(&mut model, &train).loss(mse).track_updates().callback(Log).quiet().run()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Progress<'a, M> {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Optimizer steps so far, over all epochs.
    pub steps: usize,
    /// The loss of the step; after an epoch, the mean over the epoch.
    pub loss: f64,
    /// The learning rate of the step, if the optimizer has one.
    pub learning_rate: Option<f64>,
    /// The curves up to the last complete epoch.
    pub history: &'a History,
    /// The model after the step.
    pub model: &'a M,
    /// The gradients of the step, as the optimizer was given them: the mean over the batches that
    /// were [accumulated](crate::train::Fit::accumulate), before clipping. `None` after an epoch.
    pub gradients: Option<&'a M>,
    /// The model before the step, a copy made only after
    /// [`track_updates`](crate::train::Fit::track_updates). `None` without, and after an epoch.
    pub before: Option<&'a M>,
}

/// Norms of the step; `None` after an epoch, whose means are in the [`history`](Progress::history)
/// after [`track_gradients`](crate::train::Fit::track_gradients) and
/// [`track_updates`](crate::train::Fit::track_updates).
impl<M> Progress<'_, M> {
    /// The [global gradient norm](norms::gradient_norm), before clipping.
    pub fn gradient_norm<T: Scalar>(&self) -> Option<f64>
    where
        M: Params<Tensor<T>>,
    {
        self.gradients.map(norms::gradient_norm)
    }

    /// The [gradient norm of each parameter](norms::gradient_norms) by name, before clipping.
    pub fn gradient_norms<T: Scalar>(&self) -> Option<Vec<(String, f64)>>
    where
        M: Params<Tensor<T>>,
    {
        self.gradients.map(norms::gradient_norms)
    }

    /// The [update-to-weight ratio](norms::update_ratio); `None` without
    /// [`track_updates`](crate::train::Fit::track_updates).
    pub fn update_ratio<T: Scalar>(&self) -> Option<f64>
    where
        M: Params<Tensor<T>>,
    {
        self.before.map(|before| norms::update_ratio(before, self.model))
    }

    /// The [update-to-weight ratio of each parameter](norms::update_ratios) by name; `None` without
    /// [`track_updates`](crate::train::Fit::track_updates).
    pub fn update_ratios<T: Scalar>(&self) -> Option<Vec<(String, f64)>>
    where
        M: Params<Tensor<T>>,
    {
        self.before.map(|before| norms::update_ratios(before, self.model))
    }
}

/// A borrowed callback, which can be inspected after training.
impl<T: Scalar, M: Params<Tensor<T>>, C: Callback<T, M>> Callback<T, M> for &mut C {
    fn on_begin(&mut self, start: &Start<'_, M>) -> Result<(), FitError> {
        (**self).on_begin(start)
    }
    fn on_step(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        (**self).on_step(progress)
    }
    fn on_epoch(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        (**self).on_epoch(progress)
    }
    fn best_so_far(&self) -> Option<usize> {
        (**self).best_so_far()
    }
    fn on_end(&mut self, model: &mut M) {
        (**self).on_end(model);
    }
    fn state_dict(&self) -> StateDict<T> {
        (**self).state_dict()
    }
    fn load_state_dict(&mut self, model: &M, state: &StateDict<T>) -> Result<(), StateDictError> {
        (**self).load_state_dict(model, state)
    }
}
