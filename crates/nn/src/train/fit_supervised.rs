//! The settings of a training on a data set.

use super::fit::Fit;
use super::supervised::{NamedMetric, Order, Supervised};
use crate::data::dataset::Dataset;
use crate::data::examples::{Examples, OnTape};
use crate::losses::loss::Loss;
use crate::train::history::{GRADIENT_NORM, UPDATE_RATIO};
use std::borrow::Cow;
use std::panic::Location;
use unspool_autograd::Scalar;

/// Settings of a training on a [`Dataset`].
impl<'a, T: Scalar, M, X: Examples, Y: OnTape<T>, L, O> Fit<'a, T, M, Supervised<'a, T, X, Y, L>, O> {
    /// Sets the loss: [`mse`](crate::losses::mse), or any [`Loss`] function.
    #[track_caller]
    pub fn loss<N: Loss<T, Y>>(self, loss: N) -> Fit<'a, T, M, Supervised<'a, T, X, Y, N>, O> {
        let Fit { model, task, optimizer, settings } = self;
        let Supervised {
            train,
            valid,
            held_out,
            batch_size,
            order,
            metrics,
            train_metrics,
            batches,
            shards,
            ranks,
            ..
        } = task;
        let loss_at = Location::caller();
        #[rustfmt::skip]
        let task = Supervised {
            train, valid, held_out, loss, loss_at, batch_size, order, metrics, train_metrics, batches, shards,
            ranks,
        };
        Fit { model, task, optimizer, settings }
    }

    /// Sets the number of examples per batch. The last batch of an epoch may be smaller.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.task.batch_size = batch_size;
        self
    }

    /// Whether to shuffle the examples in every epoch (the default), or to keep their order.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.task.order = if shuffle { Order::Shuffled } else { Order::Unchanged };
        self
    }

    /// Batches sequences of similar [length](Dataset::with_lengths), shuffled in every epoch: see
    /// [`buckets`](crate::data::buckets).
    pub fn bucket_by_length(mut self) -> Self {
        self.task.order = Order::Buckets;
        self
    }

    /// Computes the loss on these examples after each epoch.
    pub fn validate(mut self, valid: &'a Dataset<X, Y>) -> Self {
        self.task.valid = Some(Cow::Borrowed(valid));
        self
    }

    /// Holds out the last fraction of the examples, before any shuffling, as validation examples.
    /// For examples that overlap, as windows over a series do, [`Dataset::split`] leaves a gap.
    ///
    /// # Panics
    /// If `fraction` is not greater than 0 and less than 1.
    #[track_caller]
    pub fn validation_split(mut self, fraction: f64) -> Self {
        let right = fraction > 0.0 && fraction < 1.0;
        ensure!(right, "validation_split: the fraction is {fraction}; it must be greater than 0 and less than 1");
        self.task.held_out = Some(fraction);
        self
    }

    /// Computes a metric after each epoch, as [`evaluate`](crate::train::evaluate) does:
    /// [`mae`](crate::losses::mae), one of [`metrics`](crate::train::metrics), or any function of
    /// all outputs and targets of the form of [`Loss`]. It is recorded in the
    /// [`History`](crate::train::History) under its name, with the prefix `val_` if it is computed
    /// on validation examples; without any, it is computed on the training examples (with
    /// [`train_metrics`](Fit::train_metrics), on both). [Weights](Dataset::with_weights) are
    /// ignored. If it becomes NaN, training continues, with a warning on standard error.
    ///
    /// # Panics
    /// If the name is taken, also by what [`track_gradients`](Fit::track_gradients) and
    /// [`track_updates`](Fit::track_updates) record, or begins with `val_`.
    #[track_caller]
    pub fn metric(mut self, name: impl Into<String>, metric: impl Loss<T, Y> + Send + 'a) -> Self {
        let (name, metrics) = (name.into(), &mut self.task.metrics);
        // The other columns of a history and its files.
        let known = ["loss", "val_loss", "learning_rate", "epoch", "seconds"];
        let tracked = [GRADIENT_NORM, UPDATE_RATIO].contains(&name.split('.').next().unwrap_or_default());
        let taken = tracked || known.contains(&&name[..]) || metrics.iter().any(|known| known.name == name);
        ensure!(!taken, "metric: the name {name:?} is taken");
        ensure!(!name.starts_with("val_"), "metric: the name {name:?} begins with val_, which is for validation");
        metrics.push(NamedMetric { name, metric: Box::new(metric), at: Location::caller() });
        self
    }

    /// Measures the metrics on the training examples, too, after each epoch: under their names,
    /// beside those of validation with the prefix `val_`. It costs a forward pass over the training
    /// examples.
    pub fn train_metrics(mut self) -> Self {
        self.task.train_metrics = true;
        self
    }
}
