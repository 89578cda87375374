//! The loop: epochs, steps, and what comes after each.

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

/// A training that runs.
pub(super) struct Training<'a, 'd, T: Scalar, M, L, O> {
    pub model: &'a mut M,
    pub train: &'d Dataset<T>,
    pub valid: Option<&'d Dataset<T>>,
    pub loss: L,
    pub optimizer: O,
    pub settings: Settings<'a, T, M>,
    pub at: Place,
    pub history: History,
    shards: Shards<T>,
    /// When it began, as if all epochs were done in one go.
    started: Instant,
    before: f64,
}

/// How far a training has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Place {
    /// Epochs done.
    pub epochs: usize,
    /// Batches done of the next one.
    pub batches: usize,
    /// Steps done, in all epochs.
    pub steps: usize,
    /// The sum of the losses of these batches, and by what it is divided for their mean.
    pub total: f64,
    pub share: f64,
    /// The learning rate of the last step.
    pub learning_rate: Option<f64>,
    /// Whether a callback has ended it.
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
        let (at, history) = (Place::default(), History::default());
        let (shards, started, before) = (Shards::new(), Instant::now(), 0.0);
        Training { model, train, valid, loss, optimizer, settings, at, history, shards, started, before }
    }

    pub fn run(mut self) -> Result<History, FitError> {
        #[cfg(feature = "safetensors")]
        self.settings.files.try_checkpoint()?;
        self.blame_training(TRIED_EXAMPLES, None)?;
        self.blame_validation(TRIED_EXAMPLES, None)?;
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

    /// The steps that are left of an epoch.
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
            let share: f64 = group.iter().map(Dataset::share).sum();
            self.at.batches += group.len();
            self.at.steps += 1;
            self.at.total += loss * share;
            self.at.share += share;
            progress.step(epoch, self.at.batches.div_ceil(self.settings.accumulate), loss);
            let report = report(&self.at, epoch, loss, &self.history, self.model);
            let ends = self.settings.callbacks.iter_mut().map(|callback| callback.on_step(&report).is_break());
            self.at.stopped = ends.fold(false, |any, ends| any | ends);
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

    /// The loss on some batches, and its gradients.
    fn gradients(&mut self, epoch: usize, group: &[Dataset<T>]) -> Result<(f64, M), FitError> {
        let whole: f64 = group.iter().map(Dataset::share).sum();
        let mut sum: Option<(f64, M)> = None;
        for (i, data) in group.iter().enumerate() {
            let batch = self.at.batches + i;
            let mode = Mode::Training { seed: self.settings.seed }.fold_in(epoch).fold_in(batch);
            let (loss, gradients) = self.shards.batch_gradients(self.model, data, &self.loss, mode);
            let spoilt = first_not_finite(&gradients);
            if !loss.is_finite() || spoilt.is_some() {
                return Err(self.not_finite(epoch, batch + 1, loss, spoilt));
            }
            if group.len() == 1 {
                return Ok((loss, gradients));
            }
            let share = data.share() / whole;
            let (total, all) = sum.get_or_insert_with(|| (0.0, gradients.zeros_like()));
            *total += loss * share;
            let share = T::from_f64(share);
            for (all, gradient) in all.leaves_mut().into_iter().zip(gradients.leaves()) {
                all.update(
                    gradient,
                    #[inline(always)]
                    |all, gradient| all + gradient * share,
                );
            }
        }
        Ok(sum.expect("at least one batch"))
    }

    /// A step that went wrong shows in the loss of the next one, unless there is none.
    fn require_finite(&self, epoch: usize) -> Result<(), FitError> {
        match first_not_finite(&*self.model) {
            Some(parameter) => Err(FitError::ParameterNotFinite { epoch, parameter, history: self.so_far() }),
            None => Ok(()),
        }
    }

    /// Why a loss, or the gradient of a parameter, is not finite.
    fn not_finite(&self, epoch: usize, batch: usize, loss: f64, gradient: Option<String>) -> FitError {
        let (history, own) = (self.so_far(), first_not_finite(&*self.model));
        if own.is_none()
            && let Err(data) = self.blame_training(usize::MAX, Some(history.clone()))
        {
            return data;
        }
        match gradient {
            Some(parameter) if loss.is_finite() => FitError::GradientNotFinite { epoch, batch, parameter, history },
            gradient => FitError::NotFinite { epoch, batch, loss, parameter: own.or(gradient), history },
        }
    }

    fn end_of_epoch(&mut self, progress: &ProgressBar) -> Result<(), FitError> {
        let (epoch, loss) = (self.at.epochs + 1, self.at.total / self.at.share);
        let history = &mut self.history;
        history.loss.push(loss);
        history.learning_rate.extend(self.at.learning_rate);
        let observed = self.measure(epoch, progress)?.unwrap_or(loss);
        self.optimizer.observe(observed);
        let report = report(&self.at, epoch, loss, &self.history, self.model);
        let ends = self.settings.callbacks.iter_mut().map(|callback| callback.on_epoch(&report).is_break());
        self.at.stopped = ends.fold(false, |any, ends| any | ends);
        self.at = Place { epochs: epoch, batches: 0, total: 0.0, share: 0.0, ..self.at };
        self.history.seconds = self.seconds();
        progress.epoch(epoch, &self.history);
        Ok(())
    }

    /// Computes metrics and validation loss after an epoch, and returns the latter. The model is run once for all of them.
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
        let mut spoilt = false;
        for ((_, metric), (name, values)) in self.settings.metrics.iter().zip(&mut self.history.metrics) {
            let value = outputs.measure(metric);
            if value.is_nan() && !values.iter().any(|value| value.is_nan()) {
                progress.warn(format_args!("{name} is NaN in epoch {epoch}"));
                spoilt = true;
            }
            values.push(value);
        }
        let loss_spoilt = loss.filter(|loss| !loss.is_finite());
        if spoilt || loss_spoilt.is_some() {
            let history = self.so_far();
            match self.valid {
                Some(_) => self.blame_validation(usize::MAX, Some(history))?,
                None => self.blame_training(usize::MAX, Some(history))?,
            }
        }
        match loss_spoilt {
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

    /// Saves where the training stands, if it was told where to.
    fn save(&mut self) -> Result<(), FitError> {
        self.history.seconds = self.seconds();
        #[cfg(feature = "safetensors")]
        self.save_checkpoint().map_err(|error| {
            let sentence = error.to_string();
            FitError::NotSaved { sentence, history: self.so_far() }
        })?;
        Ok(())
    }

    /// What has been done, for an error.
    fn so_far(&self) -> Box<History> {
        Box::new(History { seconds: self.seconds(), ..self.history.clone() })
    }

    fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }
}

fn report<'a, M>(at: &Place, epoch: usize, loss: f64, history: &'a History, model: &'a M) -> Progress<'a, M> {
    Progress { epoch, steps: at.steps, loss, learning_rate: at.learning_rate, history, model }
}

/// The name of the first parameter, or parameter's gradient, that holds an infinity or NaN.
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
