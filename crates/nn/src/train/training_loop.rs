//! The training loop: epochs, steps, and what follows each of them.

use super::callback::{Progress, Start};
use super::error::FitError;
use super::settings::Settings;
use crate::data::dataset::Dataset;
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use crate::optim::optimizer::Optimizer;
use crate::train::history::{History, StopReason};
use crate::train::predictions::Predictions;
use crate::train::progress::ProgressBar;
use crate::train::shards::Shards;
use crate::tuning::TRIED_EXAMPLES;
use std::time::Instant;
use unspool_autograd::{Params, ParamsExt, Path, Real, Scalar, Tensor};

/// A running training.
pub(super) struct Training<'a, 'd, T: Scalar, M, L, O> {
    pub model: &'a mut M,
    pub train: &'d Dataset<T>,
    pub valid: Option<&'d Dataset<T>>,
    pub loss: L,
    pub optimizer: O,
    pub settings: Settings<'a, T, M>,
    pub at: Position,
    pub history: History,
    shards: Shards<T>,
    /// When this run started, and the seconds that earlier runs of the same training took.
    started: Instant,
    before: f64,
}

/// How far a training has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Position {
    /// Complete epochs.
    pub epochs: usize,
    /// Batches done of the current epoch.
    pub batches: usize,
    /// Steps done, over all epochs.
    pub steps: usize,
    /// The weighted sum of the losses of these batches, and the sum of the weights.
    pub loss_sum: f64,
    pub loss_count: f64,
    /// The learning rate of the last step.
    pub learning_rate: Option<f64>,
    /// Whether a callback has stopped training.
    pub stopped: bool,
}

impl<'a, 'd, T, M, L, O> Training<'a, 'd, T, M, L, O>
where
    T: Real,
    M: for<'t> Model<'t, T> + Send + Sync,
    L: Loss<T> + Send,
    O: Optimizer<T, M> + Send,
{
    pub fn new(
        model: &'a mut M,
        train: &'d Dataset<T>,
        valid: Option<&'d Dataset<T>>,
        loss: L,
        optimizer: O,
        settings: Settings<'a, T, M>,
    ) -> Self {
        let (at, history) = (Position::default(), History::default());
        let (shards, started, before) = (Shards::new(), Instant::now(), 0.0);
        Training { model, train, valid, loss, optimizer, settings, at, history, shards, started, before }
    }

    pub fn run(mut self) -> Result<History, FitError> {
        #[cfg(feature = "safetensors")]
        self.settings.files.try_checkpoint()?;
        self.check_training_data(TRIED_EXAMPLES, None)?;
        self.check_validation_data(TRIED_EXAMPLES, None)?;
        let curves = self.curves();
        for callback in &mut self.settings.callbacks {
            callback.on_begin(&Start { curves: &curves, model: self.model })?;
        }
        #[cfg(feature = "safetensors")]
        self.resume()?;
        (self.started, self.before) = (Instant::now(), self.history.seconds);
        let steps = self.train.len().div_ceil(self.settings.batch_size).div_ceil(self.settings.accumulate);
        let mut progress = ProgressBar::new(self.settings.quiet, self.settings.epochs, steps, self.at.steps);
        while self.at.epochs < self.settings.epochs && !self.at.stopped {
            self.steps(&mut progress)?;
            if self.history.stop_reason == StopReason::Interrupted {
                break;
            }
            self.require_finite(self.at.epochs + 1)?;
            if !self.at.stopped {
                self.end_of_epoch(&progress)?;
            }
            self.save()?;
        }
        progress.end(self.at.epochs, &self.history);
        if self.at.stopped {
            self.history.stop_reason = StopReason::Stopped;
        }
        for callback in &mut self.settings.callbacks {
            callback.on_end(self.model);
        }
        self.history.seconds = self.seconds();
        Ok(self.history)
    }

    /// The remaining steps of an epoch.
    fn steps(&mut self, progress: &mut ProgressBar) -> Result<(), FitError> {
        let epoch = self.at.epochs + 1;
        let mut batches = self.settings.batches(self.train, epoch).skip(self.at.batches);
        loop {
            let group: Vec<Dataset<T>> = batches.by_ref().take(self.settings.accumulate).collect();
            if group.is_empty() {
                return Ok(());
            }
            let (loss, gradients) = self.gradients(epoch, &group)?;
            self.at.learning_rate = self.optimizer.current_learning_rate();
            self.optimizer.step(self.model, &gradients);
            let weight: f64 = group.iter().map(Dataset::loss_count).sum();
            self.at.batches += group.len();
            self.at.steps += 1;
            self.at.loss_sum += loss * weight;
            self.at.loss_count += weight;
            progress.step(epoch, self.at.batches.div_ceil(self.settings.accumulate), loss);
            let reached = reached(&self.at, epoch, loss, &self.history, self.model);
            // Every callback is called, also after one that stops training.
            let stops = self.settings.callbacks.iter_mut().map(|callback| callback.on_step(&reached).is_break());
            self.at.stopped = stops.fold(false, |any, stops| any | stops);
            if self.at.stopped {
                return Ok(());
            }
            if self.settings.interrupt.is_set() {
                self.require_finite(epoch)?;
                self.history.stop_reason = StopReason::Interrupted;
                return self.save();
            }
            #[cfg(feature = "safetensors")]
            if self.settings.files.every.is_some_and(|every| self.at.steps.is_multiple_of(every)) {
                self.require_finite(epoch)?;
                self.save()?;
            }
        }
    }

    /// The loss on the batches of one step, and its gradients.
    fn gradients(&mut self, epoch: usize, group: &[Dataset<T>]) -> Result<(f64, M), FitError> {
        let group_weight: f64 = group.iter().map(Dataset::loss_count).sum();
        let mut sum: Option<(f64, M)> = None;
        for (i, data) in group.iter().enumerate() {
            let batch = self.at.batches + i;
            let mode = Mode::Training { seed: self.settings.seed }.fold_in(epoch).fold_in(batch);
            let (loss, gradients) = self.shards.batch_gradients(self.model, data, &self.loss, mode);
            let not_finite = first_not_finite(&gradients);
            if !loss.is_finite() || not_finite.is_some() {
                return Err(self.not_finite(epoch, batch + 1, loss, not_finite));
            }
            if group.len() == 1 {
                return Ok((loss, gradients));
            }
            let weight = data.loss_count() / group_weight;
            let (total, all) = sum.get_or_insert_with(|| (0.0, gradients.zeros_like()));
            *total += loss * weight;
            let weight = T::from_f64(weight);
            for (all, gradient) in all.leaves_mut().into_iter().zip(gradients.leaves()) {
                all.update(
                    gradient,
                    #[inline(always)]
                    |all, gradient| all + gradient * weight,
                );
            }
        }
        Ok(sum.expect("at least one batch"))
    }

    /// A step that makes a parameter infinite or NaN shows in the loss of the next step. This finds
    /// it where no step follows: at the end of an epoch and before a checkpoint.
    fn require_finite(&self, epoch: usize) -> Result<(), FitError> {
        match first_not_finite(&*self.model) {
            Some(parameter) => Err(FitError::ParameterNotFinite { epoch, parameter, history: self.so_far() }),
            None => Ok(()),
        }
    }

    /// Why a loss, or the gradient of a parameter, is not finite: because of an example, of a
    /// parameter, or of neither.
    fn not_finite(&self, epoch: usize, batch: usize, loss: f64, gradient: Option<String>) -> FitError {
        let (history, own) = (self.so_far(), first_not_finite(&*self.model));
        if own.is_none()
            && let Err(data) = self.check_training_data(usize::MAX, Some(history.clone()))
        {
            return data;
        }
        match gradient {
            Some(parameter) if loss.is_finite() => FitError::GradientNotFinite { epoch, batch, parameter, history },
            gradient => FitError::NotFinite { epoch, batch, loss, parameter: own.or(gradient), history },
        }
    }

    fn end_of_epoch(&mut self, progress: &ProgressBar) -> Result<(), FitError> {
        let (epoch, loss) = (self.at.epochs + 1, self.at.loss_sum / self.at.loss_count);
        let history = &mut self.history;
        history.loss.push(loss);
        history.learning_rate.extend(self.at.learning_rate);
        let observed = self.measure(epoch, progress)?.unwrap_or(loss);
        self.optimizer.observe(observed);
        let reached = reached(&self.at, epoch, loss, &self.history, self.model);
        let stops = self.settings.callbacks.iter_mut().map(|callback| callback.on_epoch(&reached).is_break());
        self.at.stopped = stops.fold(false, |any, stops| any | stops);
        self.at = Position { epochs: epoch, batches: 0, loss_sum: 0.0, loss_count: 0.0, ..self.at };
        self.history.seconds = self.seconds();
        progress.epoch(epoch, &self.history);
        Ok(())
    }

    /// Computes the metrics and the validation loss after an epoch, all from one forward pass, and
    /// returns the validation loss.
    fn measure(&mut self, epoch: usize, progress: &ProgressBar) -> Result<Option<f64>, FitError> {
        if self.valid.is_none() && self.settings.metrics.is_empty() {
            return Ok(None);
        }
        let outputs = Predictions::of(&*self.model, self.valid.unwrap_or(self.train));
        let loss = self.valid.map(|_| outputs.loss(&self.loss));
        self.history.val_loss.extend(loss);
        if self.history.metrics.is_empty() {
            self.history.metrics = self.metric_names().into_iter().map(|name| (name, Vec::new())).collect();
        }
        let mut became_nan = false;
        for ((_, metric), (name, values)) in self.settings.metrics.iter().zip(&mut self.history.metrics) {
            let value = outputs.measure(metric);
            if value.is_nan() && !values.iter().any(|value| value.is_nan()) {
                progress.warn(format_args!("{name} is NaN in epoch {epoch}"));
                became_nan = true;
            }
            values.push(value);
        }
        let bad_loss = loss.filter(|loss| !loss.is_finite());
        if became_nan || bad_loss.is_some() {
            let history = self.so_far();
            match self.valid {
                Some(_) => self.check_validation_data(usize::MAX, Some(history))?,
                None => self.check_training_data(usize::MAX, Some(history))?,
            }
        }
        match bad_loss {
            Some(loss) => Err(FitError::ValidationNotFinite { epoch, loss, history: self.so_far() }),
            None => Ok(loss),
        }
    }

    /// The names of all curves in the history.
    fn curves(&self) -> Vec<String> {
        let losses = ["loss"].into_iter().chain(self.valid.map(|_| "val_loss")).map(str::to_owned);
        losses
            .chain(self.metric_names())
            .chain(self.optimizer.current_learning_rate().map(|_| "learning_rate".to_owned()))
            .collect()
    }

    /// The names of the metrics in the history.
    pub fn metric_names(&self) -> Vec<String> {
        let prefix = if self.valid.is_some() { "val_" } else { "" };
        self.settings.metrics.iter().map(|(name, _)| format!("{prefix}{name}")).collect()
    }

    /// Saves a checkpoint, if there is a file for it.
    fn save(&mut self) -> Result<(), FitError> {
        self.history.seconds = self.seconds();
        #[cfg(feature = "safetensors")]
        self.save_checkpoint().map_err(|error| {
            let sentence = error.to_string();
            FitError::NotSaved { sentence, history: self.so_far() }
        })?;
        Ok(())
    }

    /// The history so far, for an error.
    fn so_far(&self) -> Box<History> {
        Box::new(History { seconds: self.seconds(), ..self.history.clone() })
    }

    fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }
}

fn reached<'a, M>(at: &Position, epoch: usize, loss: f64, history: &'a History, model: &'a M) -> Progress<'a, M> {
    Progress { epoch, steps: at.steps, loss, learning_rate: at.learning_rate, history, model }
}

/// The name of the first parameter of a model (or gradient of one) that holds an infinity or NaN.
pub(super) fn first_not_finite<T: Scalar, M: Params<Tensor<T>>>(of: &M) -> Option<String> {
    let mut found = None;
    of.visit_leaves(Path::ROOT, &mut |path, leaf| {
        let leaf = leaf.contiguous();
        let finite = leaf.as_slice().expect("contiguous").iter().all(|g| g.is_finite());
        if !finite && found.is_none() {
            found = Some(path.to_string());
        }
    });
    found
}
