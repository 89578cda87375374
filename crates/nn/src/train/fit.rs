//! `fit`: the settings of a training, and its start.

use super::callback::Callback;
use super::error::FitError;
use super::interrupt::Interrupt;
use super::settings::Settings;
use super::task::{IntoTask, Task};
use super::training_loop::Training;
use super::world::{Ranks, World};
use crate::optim::Adam;
use crate::optim::optimizer::Optimizer;
use crate::train::history::History;
use std::fmt;
#[cfg(feature = "safetensors")]
use std::path::Path;
use unspool_autograd::at_callers_line::{at_callers_line, on_any_thread};
use unspool_autograd::{Params, Real, Scalar, Tensor};

/// The settings of a training, returned by [`fit`]; [`run`](Fit::run) starts it.
#[must_use = "nothing is trained until `run`"]
pub struct Fit<'a, T: Scalar, M, K, O> {
    pub(super) model: &'a mut M,
    pub(super) task: K,
    pub(super) optimizer: O,
    pub(super) settings: Settings<'a, T, M>,
}

impl<T: Scalar, M, K: fmt::Debug, O: fmt::Debug> fmt::Debug for Fit<'_, T, M, K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fit")
            .field("task", &self.task)
            .field("optimizer", &self.optimizer)
            .field("epochs", &self.settings.epochs)
            .field("seed", &self.settings.seed)
            .finish_non_exhaustive()
    }
}

/// Trains `model`: on a data set, `fit(&mut model, &data)`, whose [`loss`](Fit::loss) is set next,
/// or on any other [`Task`], `fit(&mut model, &mut task)`. Then [`run`](Fit::run).
///
/// Defaults: [`Adam`] with Keras's settings, one epoch; of a data set, batches of 32, shuffled from
/// seed 0.
///
/// A batch is cut into [shards](crate::train::Shards) that run on several threads. How it is cut
/// depends on its size alone, and gradients are added in a fixed order: the same seed gives the
/// same weights, bit for bit, at any number of threads, and whether or not training was interrupted
/// and resumed.
///
/// The threads are those of [rayon](https://docs.rs/rayon) and stay after training. A process that
/// is forked later has none of them, and waits for them forever when it trains or predicts: fork
/// before training, or let the new process `exec`, as [`std::process::Command`] does.
///
/// Progress goes to standard error: a bar on a terminal, a line per epoch otherwise, nothing after
/// [`quiet`](Fit::quiet). See the [crate's page](crate) for an example, and for the same loop
/// written out.
///
/// ```
/// use unspool::prelude::*;
/// let data = Dataset::new(Tensor::<f32>::ones([10, 64, 3]), Tensor::zeros([64, 1]))?;
/// let mut model = sequential().add(gru(3, 8)).add(dense(8, 1));
/// let history = fit(&mut model, &data).loss(mse).epochs(3).validation_split(0.25).quiet().run()?;
/// assert_eq!((history.loss.len(), history.val_loss.len()), (3, 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit<'a, T: Scalar, M: Params<Tensor<T>>, D: IntoTask<T>>(
    model: &'a mut M,
    data: D,
) -> Fit<'a, T, M, D::Task, Adam<T>> {
    Fit { model, task: data.into_task(), optimizer: Adam::default(), settings: Settings::default() }
}

/// Settings of every training.
impl<'a, T: Scalar, M, K, O> Fit<'a, T, M, K, O> {
    /// Sets the optimizer: one of [`optim`](crate::optim), a pair of one and a borrowed
    /// [`Ema`](crate::optim::Ema), or one of your own. After each epoch it is given the validation
    /// loss, or the training loss if there is no validation. A borrowed optimizer continues where
    /// it was when the same model is trained again, and starts afresh for another model.
    pub fn optimizer<N>(self, optimizer: N) -> Fit<'a, T, M, K, N> {
        let Fit { model, task, settings, .. } = self;
        Fit { model, task, optimizer, settings }
    }

    /// Accumulates the gradients of `batches` batches for each step (default 1): a step on a larger
    /// batch in the memory of a smaller one. The last step of an epoch may have fewer batches.
    ///
    /// # Panics
    /// If `batches` is 0.
    #[track_caller]
    pub fn accumulate(mut self, batches: usize) -> Self {
        ensure!(batches > 0, "accumulate: 0 batches per step: it must be at least 1");
        self.settings.accumulate = batches;
        self
    }

    /// Sets the number of epochs: passes over the examples.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.settings.epochs = epochs;
        self
    }

    /// Sets the seed of the order of batches and of dropout.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Adds a callback, which is called after each step and epoch and may stop training:
    /// [`EarlyStopping`](super::EarlyStopping), or a [`Callback`] of your own. Several are called
    /// in the order in which they were added. Each starts afresh in every training.
    pub fn callback(mut self, callback: impl Callback<T, M> + Send + 'a) -> Self {
        self.settings.callbacks.push(Box::new(callback));
        self
    }

    /// Records the [gradient norm](crate::optim::gradient_norm) of each epoch in the
    /// [`History`]: of all parameters together as `gradient_norm`, and of each by its name, as
    /// `gradient_norm.layers.0.cell.u`.
    ///
    /// It is the mean over the epoch's steps, as the loss is: it does not depend on their number,
    /// as a maximum does. (A [`Callback`] sees each step.) It is the norm of what the optimizer is
    /// given: the gradients of the mean loss over the batches of a [step](Fit::accumulate), before
    /// clipping, those of frozen parameters included. It costs a pass over the gradients per step.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// let train = Dataset::new(Tensor::<f32>::ones([7, 64, 1]), Tensor::ones([64, 1]))?;
    /// let mut model = sequential().add(lstm(1, 4)).add(dense(4, 1));
    /// let history = fit(&mut model, &train).loss(mse).epochs(3).track_gradients().track_updates().quiet().run()?;
    /// let of_all = history.curve("gradient_norm").unwrap();
    /// let of_one = history.curve("gradient_norm.layers.0.cell.u").unwrap();
    /// assert!(0.0 < of_one[2] && of_one[2] < of_all[2]);
    /// assert!(history.curve("update_ratio").unwrap()[0] < 0.1);
    /// println!("{history}"); // a table of the epochs: losses, gradient norm, update ratio, learning rate
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn track_gradients(mut self) -> Self {
        self.settings.track_gradients = true;
        self
    }

    /// Records the [update-to-weight ratio](crate::optim::update_ratio) of each epoch in the
    /// [`History`], the mean over its steps: of all parameters together as `update_ratio`, and of
    /// each by its name, as `update_ratio.layers.0.cell.u`; and gives callbacks the model
    /// [`before`](crate::train::Progress::before) each step.
    ///
    /// An update is all that the optimizer changes in a step: after clipping, with momentum and
    /// weight decay. Steps before which all of a parameter is 0, as a new bias is, have no ratio
    /// and do not count; if none counts, the mean is NaN. It costs a copy of the model, made in
    /// every step.
    pub fn track_updates(mut self) -> Self {
        self.settings.track_updates = true;
        self
    }

    /// Stops training after the step in which `interrupt` is set.
    pub fn interrupt(mut self, interrupt: &Interrupt) -> Self {
        self.settings.interrupt = interrupt.clone();
        self
    }

    /// Trains together with the other ranks of a [`World`], in which every process calls this with the same model,
    /// data and settings: the gradients of a batch are computed in parts, one on each rank. The weights are those of
    /// one process by itself, bit for bit, whatever the number of ranks.
    ///
    /// Each rank has the whole model and takes every step; callbacks, too, run on each. Rank 0 alone reports progress
    /// and writes the `checkpoint`, which all must set: all take part in it. A world of another size may
    /// resume it; to `resume`, every rank must reach the file. A training that is stopped or
    /// [interrupted](Fit::interrupt) on one rank ends on all after the same step; one that fails on one rank is an
    /// error on all ([`FitError::RankStopped`] on the others).
    ///
    /// See [`ThreadWorld`](crate::train::ThreadWorld) for an example.
    pub fn world(mut self, world: &(impl World + Clone + 'static)) -> Self {
        self.settings.world = Some(Box::new(world.clone()));
        self
    }

    /// Reports no progress; warns of a metric that becomes NaN all the same.
    pub fn quiet(mut self) -> Self {
        self.settings.quiet = true;
        self
    }

    /// Looks for numbers that are not finite in every step: each batch runs on tapes that
    /// [keep all](unspool_autograd::Tape::keep_all) values, on one thread, and the weights and the state of the
    /// optimizer are checked after each step. Slow, and for looking for a mistake.
    ///
    /// Without it, a batch whose loss or gradients are not finite is run once more to find the first bad value, and
    /// the error names it; but a step that makes a *weight* infinite or NaN shows only in the next batch, and an
    /// optimizer whose state has overflowed not at all: it no longer moves the weight. The weights are those of a
    /// training without it, to the bit, except with cells that [unroll](crate::recurrent::Cell::unroll): those go
    /// step by step, which rounds differently.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// let train = Dataset::new(Tensor::<f32>::ones([8, 3]), Tensor::ones([8, 1]))?;
    /// let mut model = sequential().add(dense(3, 1));
    /// let fit = fit(&mut model, &train).loss(|o, t| mse(o, t) * 1e25).quiet();
    /// let error = fit.find_bad_values().run().unwrap_err().to_string();
    /// // Adam's mean of squares, of gradients of some 1e25.
    /// assert!(error.starts_with("after batch 1 of epoch 1, the step of Adam made v.layers.0.bias [1] (all 0)"));
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    pub fn find_bad_values(mut self) -> Self {
        self.settings.find_bad_values = true;
        self
    }
}

#[cfg(feature = "safetensors")]
impl<T: Scalar, M, K, O> Fit<'_, T, M, K, O> {
    /// Saves a checkpoint to this file after each epoch and when training is
    /// [interrupted](crate::train::Interrupt): the model, the [state](crate::optim::StateDict) of
    /// the optimizer and of the callbacks, the history, the step, and what the
    /// task carries over from batch to batch. The order of examples and the dropout masks need not
    /// be saved: they depend on the seed and the step alone.
    ///
    /// The file is replaced atomically: a kill at any moment leaves the previous checkpoint.
    /// Whether the file can be written is checked before training. The model alone is read with
    /// `WeightFile::open(path)?.load("model", &mut model)`. Needs the feature `safetensors`.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// # let path = std::env::temp_dir().join(format!("fit-{}.safetensors", std::process::id()));
    /// let train = Dataset::new(Tensor::<f32>::ones([64, 3]), Tensor::zeros([64, 1]))?;
    /// let mut straight = sequential().add(dense(3, 1));
    /// fit(&mut straight, &train).loss(mse).epochs(5).quiet().run()?;
    ///
    /// let mut model = sequential().add(dense(3, 1));
    /// fit(&mut model, &train).loss(mse).epochs(2).checkpoint(&path).quiet().run()?;
    /// let mut resumed = sequential().add(dense(3, 1));
    /// let history = fit(&mut resumed, &train).loss(mse).epochs(5).resume(&path).quiet().run()?;
    /// assert_eq!(history.loss.len(), 5);
    /// assert_eq!(resumed.layers.layer.weight, straight.layers.layer.weight);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn checkpoint(mut self, path: impl AsRef<Path>) -> Self {
        self.settings.files.checkpoint = Some(path.as_ref().to_owned());
        self
    }

    /// Saves the [`checkpoint`](Fit::checkpoint) every `steps` steps as well.
    ///
    /// # Panics
    /// If `steps` is 0, or [`checkpoint`](Fit::checkpoint) was not called before.
    #[track_caller]
    pub fn checkpoint_every(mut self, steps: usize) -> Self {
        ensure!(steps > 0, "checkpoint_every: 0 steps: it must be at least 1");
        let files = &mut self.settings.files;
        ensure!(files.checkpoint.is_some(), "checkpoint_every: there is no file to save to: `checkpoint` comes before");
        files.every = Some(steps);
        self
    }

    /// Resumes the training that saved this [`checkpoint`](Fit::checkpoint), in a program with the
    /// same settings: it ends in the same bits as an uninterrupted training. The number of epochs
    /// may differ, as may settings that the file does not hold, such as the learning rate. A
    /// training that a callback has stopped stays stopped.
    ///
    /// [`run`](Fit::run) then returns an error if the file cannot be read, or comes from another
    /// model or optimizer, other callbacks or metrics, or another seed, batch size, order or number
    /// of examples. The error states what differs, and the model is unchanged. Needs the feature
    /// `safetensors`.
    pub fn resume(mut self, path: impl AsRef<Path>) -> Self {
        self.settings.files.resume = Some(path.as_ref().to_owned());
        self
    }
}

impl<T: Scalar, M, K, O> Fit<'_, T, M, K, O> {
    /// Trains.
    ///
    /// # Errors
    /// If there are no examples, the batch size is 0, or the model has no parameters; if a number
    /// in the examples is not finite where that does harm; if the loss (of training or validation)
    /// or a gradient becomes infinite or NaN; if a callback cannot work in this training; or if a
    /// checkpoint cannot be written or read, or belongs to another training. The model and
    /// [`FitError::history`] hold the progress made so far.
    ///
    /// # Panics
    /// If the examples do not fit the model, the loss or a metric; if the optimizer does not fit
    /// the model; or if sequences without lengths are to be [bucketed](Fit::bucket_by_length).
    #[track_caller]
    pub fn run(mut self) -> Result<History, FitError>
    where
        // Here and not on the impl, where the compiler would say that there is no `run`, and not why.
        T: Real,
        M: Params<Tensor<T>> + Send + Sync,
        K: Task<T, M> + Send,
        O: Optimizer<T, M> + Send,
    {
        let ranks = self.settings.world.take().map_or_else(Ranks::alone, |world| Ranks::of(world, true));
        self.task.set_ranks(&ranks);
        let Fit { model, task, optimizer, settings, .. } = self;
        let training = Training::new(model, task, optimizer, settings, ranks.clone());
        let run = |training: Training<'_, T, M, K, O>| {
            let mut training = Some(training);
            ranks.shared.together(&mut || training.take().expect("it runs once").run())
        };
        // Inside the thread pool, handing work to another thread costs a microsecond; from outside, twenty.
        at_callers_line(|| {
            let run = on_any_thread(run);
            rayon::scope(|_| run(training))
        })
    }
}
