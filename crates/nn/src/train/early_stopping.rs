//! Stopping when a metric no longer improves.

use super::callback::{Callback, Progress, Start};
use super::error::FitError;
use crate::messages::listed;
use crate::optim::state_dict::{StateDict, StateDictError};
use std::ops::ControlFlow;
use unspool_autograd::{Params, Path, Scalar, Tensor};

/// Stops training after a number of epochs without improvement, and restores the weights of the
/// best epoch.
///
/// It watches the validation loss, or the training loss if there is no validation; an improvement
/// is a decrease by more than [`min_delta`](EarlyStopping::min_delta).
/// [`metric`](EarlyStopping::metric) and [`maximize`](EarlyStopping::maximize) change that. The
/// best weights are restored whenever training ends without an error. Each training starts afresh,
/// unless it [resumes](crate::train::Fit) another.
///
/// Prechelt 1998, "Early stopping: but when?"; as Keras's `EarlyStopping` with
/// `restore_best_weights`.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::train::EarlyStopping;
/// let x = Tensor::<f32>::from_fn([60, 20], |i| (i as f32 * 1.7).sin());
/// let data = Dataset::new(x, Tensor::from_fn([60, 1], |i| (i as f32 * 9.1).cos()))?; // nothing to learn but noise
/// let [train, valid] = data.split([30, 30], 0)?;
///
/// let mut model = sequential().add(dense(20, 50)).add(dense(50, 1));
/// let mut stopping = EarlyStopping::new(3);
/// let history =
///     fit(&mut model, &train).loss(mse).validate(&valid).epochs(500).callback(&mut stopping).quiet().run()?;
/// let best = stopping.best_epoch().unwrap();
/// assert_eq!(history.loss.len(), best + 3);
/// assert_eq!(evaluate(&model, &valid, mse), history.val_loss[best - 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EarlyStopping<T: Scalar = f32> {
    patience: usize,
    min_delta: f64,
    metric: Option<String>,
    maximize: bool,
    /// The best value and its epoch, from 1.
    best: Option<(f64, usize)>,
    /// Epochs since the best one.
    bad: usize,
    /// The weights and buffers of the best epoch, with their names.
    weights: Vec<(String, Tensor<T>)>,
}

impl<T: Scalar> EarlyStopping<T> {
    /// Stops training after `patience` consecutive epochs without improvement.
    ///
    /// # Panics
    /// If `patience` is 0.
    #[track_caller]
    pub fn new(patience: usize) -> Self {
        ensure!(patience > 0, "EarlyStopping: a patience of 0 epochs: it must be at least 1");
        EarlyStopping {
            patience,
            min_delta: 0.0,
            metric: None,
            maximize: false,
            best: None,
            bad: 0,
            weights: Vec::new(),
        }
    }

    /// Sets the smallest change that counts as an improvement.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn min_delta(self, min_delta: f64) -> Self {
        let right = min_delta >= 0.0 && min_delta.is_finite();
        ensure!(right, "EarlyStopping: min_delta is {min_delta}; it must be finite and not negative");
        EarlyStopping { min_delta, ..self }
    }

    /// Watches another curve of the [`History`](crate::train::History): `"loss"`, or a
    /// [metric](crate::train::Fit::metric) with its prefix, `"val_mae"`. If there is no such curve,
    /// [`run`](crate::train::Fit::run) returns an error before training.
    pub fn metric(self, name: impl Into<String>) -> Self {
        EarlyStopping { metric: Some(name.into()), ..self }
    }

    /// Higher is better, as for an accuracy.
    pub fn maximize(self) -> Self {
        EarlyStopping { maximize: true, ..self }
    }

    /// The best value so far. NaN is never an improvement.
    pub fn best(&self) -> Option<f64> {
        self.best.map(|(metric, _)| metric)
    }

    /// The epoch of the best value, from 1: also that of
    /// [`History::best_epoch`](crate::train::History::best_epoch).
    pub fn best_epoch(&self) -> Option<usize> {
        self.best.map(|(_, epoch)| epoch)
    }

    fn is_better(&self, metric: f64) -> bool {
        match self.best() {
            None => !metric.is_nan(),
            Some(best) if self.maximize => metric > best + self.min_delta,
            Some(best) => metric < best - self.min_delta,
        }
    }
}

impl<T: Scalar, M: Params<Tensor<T>>> Callback<T, M> for EarlyStopping<T> {
    fn on_begin(&mut self, start: &Start<'_, M>) -> Result<(), FitError> {
        (self.best, self.bad) = (None, 0);
        self.weights.clear();
        match &self.metric {
            Some(name) if !start.curves.contains(name) => {
                let known = listed(start.curves, ", ");
                Err(FitError::Callback(format!("EarlyStopping: there is no metric {name:?}; there are {known}")))
            }
            _ => Ok(()),
        }
    }

    fn on_epoch(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        let history = progress.history;
        let metric = match &self.metric {
            None => history.val_loss.last().or(history.loss.last()).copied(),
            Some(name) => history.curve(name).and_then(<[f64]>::last).copied(),
        };
        if metric.is_some_and(|metric| self.is_better(metric)) {
            self.best = metric.map(|metric| (metric, progress.epoch));
            self.bad = 0;
            let weights = &mut self.weights;
            weights.clear();
            progress.model.visit_leaves(Path::ROOT, &mut |path, leaf| weights.push((path.to_string(), leaf.clone())));
        } else {
            self.bad += 1;
        }
        if self.bad >= self.patience { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn best_so_far(&self) -> Option<usize> {
        self.best_epoch()
    }

    fn on_end(&mut self, model: &mut M) {
        let mut best = self.weights.iter();
        model.visit_leaves_mut(Path::ROOT, &mut |_, leaf| {
            if let Some((_, best)) = best.next() {
                *leaf = best.clone();
            }
        });
    }

    /// The best value (`best`, infinite if there is none) and its epoch (`epoch`, 0 if there is
    /// none), the epochs since (`bad`), and the best weights (`weights.layers.0.bias`).
    fn state_dict(&self) -> StateDict<T> {
        let worst = if self.maximize { f64::NEG_INFINITY } else { f64::INFINITY };
        let (best, epoch) = self.best.unwrap_or((worst, 0));
        let mut state = StateDict::new();
        for (name, number) in [("best", best), ("epoch", epoch as f64), ("bad", self.bad as f64)] {
            state.numbers.insert(name.into(), number);
        }
        for (name, weight) in &self.weights {
            state.tensors.insert(format!("weights.{name}"), weight.clone());
        }
        state
    }

    fn load_state_dict(&mut self, model: &M, state: &StateDict<T>) -> Result<(), StateDictError> {
        let mut reader = state.reader();
        let best = reader.number("best").zip(reader.count("epoch")).filter(|(_, epoch)| *epoch > 0);
        let bad = reader.count("bad");
        let mut weights = Vec::new();
        if best.is_some() {
            model.visit_leaves(Path::ROOT, &mut |path, leaf| {
                let weight = reader.tensor(&format!("weights.{path}"), leaf.shape());
                weights.extend(weight.map(|weight| (path.to_string(), weight)));
            });
        }
        reader.finish()?;
        (self.best, self.bad, self.weights) = (best, bad.unwrap_or_default(), weights);
        Ok(())
    }
}
