//! The training loop: epochs, steps, and what follows each of them.

use super::bad_batch::finding;
use super::bad_step::BeforeStep;
use super::callback::{Progress, Start};
use super::error::FitError;
use super::settings::Settings;
use super::task::{BatchGradients, ExampleSet, Task};
use super::tracker::Tracker;
use super::world::Ranks;
use crate::mode::Mode;
use crate::optim::optimizer::Optimizer;
use crate::train::history::{History, StopReason};
use crate::train::progress::ProgressBar;
use crate::tuning::TRIED_EXAMPLES;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use unspool_autograd::clock::Instant;
use unspool_autograd::{BadValue, Cause, Params, ParamsExt, Real, Scalar, Tensor};

/// The metric that is recorded as the validation loss.
pub(super) const VAL_LOSS: &str = "val_loss";

/// A running training.
pub(super) struct Training<'a, T: Scalar, M, K, O> {
    pub model: &'a mut M,
    pub task: K,
    pub optimizer: O,
    pub settings: Settings<'a, T, M>,
    pub ranks: Ranks<T>,
    pub at: Position,
    pub history: History,
    pub tracker: Tracker<M>,
    /// The number of batches of the epoch that was begun.
    pub batches: Option<usize>,
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

impl<'a, T, M, K, O> Training<'a, T, M, K, O>
where
    T: Real,
    M: Params<Tensor<T>> + Send + Sync,
    K: Task<T, M> + Send,
    O: Optimizer<T, M> + Send,
{
    pub fn new(model: &'a mut M, task: K, optimizer: O, settings: Settings<'a, T, M>, ranks: Ranks<T>) -> Self {
        let (at, history) = (Position::default(), History::default());
        let tracker = Tracker::new(model, settings.track_gradients, settings.track_updates);
        let (batches, started, before) = (None, Instant::now(), 0.0);
        Training { model, task, optimizer, settings, ranks, at, history, tracker, batches, started, before }
    }

    pub fn run(mut self) -> Result<History, FitError> {
        let result = catch_unwind(AssertUnwindSafe(|| self.train()));
        // It may be used by itself.
        self.task.set_ranks(&Ranks::alone());
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn train(&mut self) -> Result<History, FitError> {
        self.task.prepare(self.model)?;
        if self.model.leaves().is_empty() {
            return Err(FitError::NothingToTrain);
        }
        self.optimizer.prepare(self.model);
        #[cfg(feature = "safetensors")]
        if self.ranks.rank() == 0 {
            self.settings.files.try_checkpoint()?;
        }
        for set in [ExampleSet::Training, ExampleSet::Validation] {
            self.task.check_data(self.model, set, TRIED_EXAMPLES)?;
        }
        let curves = self.curves();
        for callback in &mut self.settings.callbacks {
            callback.on_begin(&Start { curves: &curves, model: self.model })?;
        }
        #[cfg(feature = "safetensors")]
        self.resume()?;
        self.agree()?;
        self.find_best();
        (self.started, self.before) = (Instant::now(), self.history.seconds);
        let steps = self.begin_epoch()?.div_ceil(self.settings.accumulate);
        let quiet = self.settings.quiet || self.ranks.rank() > 0;
        let mut progress = ProgressBar::new(quiet, self.settings.epochs, steps, self.at.steps);
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
        self.agree_on_weights("after training")?;
        self.history.seconds = self.seconds();
        Ok(std::mem::take(&mut self.history))
    }

    /// Begins the epoch, unless it was begun. Returns its number of batches.
    pub fn begin_epoch(&mut self) -> Result<usize, FitError> {
        let seed = self.settings.order_seed(self.at.epochs + 1);
        match *self.batches.get_or_insert_with(|| self.task.begin_epoch(seed)) {
            0 => Err(FitError::NoExamples("training")),
            batches => Ok(batches),
        }
    }

    /// The remaining steps of an epoch.
    fn steps(&mut self, progress: &mut ProgressBar) -> Result<(), FitError> {
        let (epoch, batches) = (self.at.epochs + 1, self.begin_epoch()?);
        while self.at.batches < batches {
            let group = batches.min(self.at.batches + self.settings.accumulate) - self.at.batches;
            let BatchGradients { loss, gradients, weight } = self.gradients(epoch, group)?;
            self.at.learning_rate = self.optimizer.current_learning_rate();
            self.step(&gradients, group)?;
            self.task.after_step(self.model);
            self.at.batches += group;
            self.at.steps += 1;
            self.at.loss_sum += loss * weight;
            self.at.loss_count += weight;
            progress.step(epoch, self.at.batches.div_ceil(self.settings.accumulate), loss);
            let (gradients, before) = (Some(&gradients), self.tracker.before.as_ref());
            let reached = Progress { gradients, before, ..reached(&self.at, epoch, loss, &self.history, self.model) };
            // Every callback is called, also after one that stops training.
            let stops = self.settings.callbacks.iter_mut().map(|callback| callback.on_step(&reached).is_break());
            self.at.stopped = stops.fold(false, |any, stops| any | stops);
            let interrupted;
            [self.at.stopped, interrupted] = self.stops()?;
            if self.at.stopped {
                return Ok(());
            }
            if interrupted {
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
        Ok(())
    }

    /// The step of the optimizer after so many batches, looked at if that was requested.
    fn step(&mut self, gradients: &M, group: usize) -> Result<(), FitError> {
        let before = self.settings.find_bad_values.then(|| BeforeStep::new(self.model, &self.optimizer));
        self.tracker.before_step(self.model);
        self.optimizer.step(self.model, gradients);
        self.tracker.after_step(self.model, gradients);
        match before.and_then(|before| before.first_bad(self.model, &self.optimizer, gradients)) {
            Some((parameter, bad)) => {
                let (epoch, batch, history) = (self.at.epochs + 1, self.at.batches + group, self.so_far());
                Err(FitError::ParameterNotFinite { epoch, batch, parameter, cause: Some(Box::new(bad)), history })
            }
            None => Ok(()),
        }
    }

    /// The mean loss on the next batches, as many as there are in a group, and its gradients.
    fn gradients(&mut self, epoch: usize, group: usize) -> Result<BatchGradients<M>, FitError> {
        let mut sum: Option<BatchGradients<M>> = None;
        for batch in self.at.batches..self.at.batches + group {
            let mode = Mode::Training { seed: self.settings.seed }.fold_in(epoch).fold_in(batch);
            let fetched =
                self.ranks.shared.catching(|| self.task.fetch(batch)).map_err(|broken| self.broken(broken))?;
            fetched.map_err(|error| error.with_history(self.so_far()))?;
            let of_batch = self.ranks.shared.catching(|| match self.settings.find_bad_values {
                true => finding(|| self.task.gradients(self.model, batch, mode)),
                false => (self.task.gradients(self.model, batch, mode), None),
            });
            let (of_batch, bad) = of_batch.map_err(|broken| self.broken(broken))?;
            let weight = of_batch.weight;
            ensure!(
                weight > 0.0 && weight.is_finite(),
                "fit: a task has given batch {} the weight {weight}",
                batch + 1
            );
            let not_finite = first_not_finite(&of_batch.gradients);
            if !of_batch.loss.is_finite() || not_finite.is_some() {
                return Err(self.not_finite(batch, mode, of_batch.loss, not_finite, bad));
            }
            match &mut sum {
                None => sum = Some(of_batch),
                Some(sum) => sum.average(&of_batch),
            }
        }
        Ok(sum.expect("at least one batch"))
    }

    /// A step that makes a parameter infinite or NaN shows in the loss of the next step. This finds
    /// it where no step follows: at the end of an epoch and before a checkpoint.
    fn require_finite(&self, epoch: usize) -> Result<(), FitError> {
        match first_not_finite(&*self.model) {
            Some(parameter) => {
                let (batch, history) = (self.at.batches, self.so_far());
                Err(FitError::ParameterNotFinite { epoch, batch, parameter, cause: None, history })
            }
            None => Ok(()),
        }
    }

    /// Why a loss, or the gradient of a parameter, is not finite: because of an example, of a
    /// parameter, or of what is computed from them. `found` is the first bad value, if the batch was looked at.
    fn not_finite(
        &mut self,
        batch: usize,
        mode: Mode,
        loss: f64,
        gradient: Option<String>,
        found: Option<BadValue>,
    ) -> FitError {
        let (history, own) = (self.so_far(), first_not_finite(&*self.model));
        if own.is_none()
            && let Err(data) = self.task.check_data(self.model, ExampleSet::Training, usize::MAX)
        {
            return data.with_history(history);
        }
        let cause = self.task.bad_value(self.model, batch, mode).or(found).map(|mut bad| {
            if bad.cause == Cause::Variable && self.at.steps == 0 {
                bad.advice =
                    "it was so before the first step: check its initial value, or the file it is from".to_owned();
            } else if bad.cause == Cause::Variable && !self.settings.find_bad_values {
                bad.advice += ", and find the step with `fit(..).find_bad_values()`";
            }
            Box::new(bad)
        });
        let (epoch, batch) = (self.at.epochs + 1, batch + 1);
        match gradient {
            Some(parameter) if loss.is_finite() => {
                FitError::GradientNotFinite { epoch, batch, parameter, cause, history }
            }
            gradient => FitError::NotFinite { epoch, batch, loss, parameter: own.or(gradient), cause, history },
        }
    }

    fn end_of_epoch(&mut self, progress: &ProgressBar) -> Result<(), FitError> {
        let (epoch, loss) = (self.at.epochs + 1, self.at.loss_sum / self.at.loss_count);
        let history = &mut self.history;
        history.loss.push(loss);
        history.learning_rate.extend(self.at.learning_rate);
        self.tracker.end_epoch(epoch, history);
        let observed = self.evaluate(epoch, progress)?.unwrap_or(loss);
        self.optimizer.observe(observed);
        let reached = reached(&self.at, epoch, loss, &self.history, self.model);
        let stops = self.settings.callbacks.iter_mut().map(|callback| callback.on_epoch(&reached).is_break());
        self.at.stopped = stops.fold(false, |any, stops| any | stops);
        self.at.stopped = self.stops()?[0];
        self.agree_on_weights(&format!("after epoch {epoch}"))?;
        self.find_best();
        self.at = Position { epochs: epoch, batches: 0, loss_sum: 0.0, loss_count: 0.0, ..self.at };
        self.batches = None;
        self.history.seconds = self.seconds();
        progress.epoch(epoch, &self.history);
        Ok(())
    }

    /// Marks the epoch that a callback takes for the best one.
    fn find_best(&mut self) {
        self.history.best = self.settings.callbacks.iter().find_map(|callback| callback.best_so_far());
    }

    /// Measures the metrics and the validation loss after an epoch, and returns the latter.
    fn evaluate(&mut self, epoch: usize, progress: &ProgressBar) -> Result<Option<f64>, FitError> {
        let values =
            self.ranks.shared.catching(|| self.task.evaluate(self.model)).map_err(|broken| self.broken(broken))?;
        let names = self.task.metrics();
        ensure!(names.len() == values.len(), "fit: a task has measured {} values for {names:?}", values.len());
        let mut bad_set = None;
        for (name, value) in names.iter().zip(&values) {
            let set = if name.starts_with("val_") { ExampleSet::Validation } else { ExampleSet::Training };
            if name == VAL_LOSS {
                self.history.val_loss.push(*value);
                bad_set = bad_set.or((!value.is_finite()).then_some(set));
                continue;
            }
            let curve = History::entry(&mut self.history.metrics, name);
            if value.is_nan() && !curve.iter().any(|value| value.is_nan()) {
                if self.ranks.rank() == 0 {
                    progress.warn(format_args!("{name} is NaN in epoch {epoch}"));
                }
                bad_set = bad_set.or(Some(set));
            }
            curve.push(*value);
        }
        if let Some(set) = bad_set {
            let checked = self.task.check_data(self.model, set, usize::MAX);
            checked.map_err(|data| data.with_history(self.so_far()))?;
        }
        let loss = names.iter().zip(values).find(|(name, _)| *name == VAL_LOSS).map(|(_, value)| value);
        match loss.filter(|loss| !loss.is_finite()) {
            Some(loss) => {
                let cause = self.task.bad_validation_value(self.model).map(Box::new);
                Err(FitError::ValidationNotFinite { epoch, loss, cause, history: self.so_far() })
            }
            None => Ok(loss),
        }
    }

    /// The names of all curves in the history.
    fn curves(&self) -> Vec<String> {
        let learning_rate = self.optimizer.current_learning_rate().map(|_| "learning_rate".to_owned());
        let tracked = self.tracker.names().map(str::to_owned);
        ["loss".to_owned()].into_iter().chain(self.task.metrics()).chain(tracked).chain(learning_rate).collect()
    }

    /// Saves a checkpoint, if there is a file for it.
    fn save(&mut self) -> Result<(), FitError> {
        self.history.seconds = self.seconds();
        #[cfg(feature = "safetensors")]
        if self.settings.files.checkpoint.is_some() {
            self.agree_on_weights("before a checkpoint")?;
            self.save_checkpoint()?;
        }
        Ok(())
    }

    /// The history so far, for an error.
    pub fn so_far(&self) -> Box<History> {
        Box::new(History { seconds: self.seconds(), ..self.history.clone() })
    }

    fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }
}

fn reached<'a, M>(at: &Position, epoch: usize, loss: f64, history: &'a History, model: &'a M) -> Progress<'a, M> {
    let (steps, learning_rate) = (at.steps, at.learning_rate);
    Progress { epoch, steps, loss, learning_rate, history, model, gradients: None, before: None }
}

/// The name of the first parameter of a model (or gradient of one) that holds an infinity or NaN.
pub(super) fn first_not_finite<T: Scalar, M: Params<Tensor<T>>>(of: &M) -> Option<String> {
    let mut found = None;
    of.visit_parameters(&mut |path, leaf| {
        let leaf = leaf.contiguous();
        let finite = leaf.as_slice().expect("contiguous").iter().all(|g| g.is_finite());
        if !finite && found.is_none() {
            found = Some(path.to_string());
        }
    });
    found
}
