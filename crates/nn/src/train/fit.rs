//! Training: what is to be done.

use super::callback::Callback;
use super::error::FitError;
use super::interrupt::Interrupt;
use super::settings::{Order, Settings, Validation};
use super::training_loop::Training;
use crate::data::dataset::Dataset;
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::optim::Adam;
use crate::optim::optimizer::Optimizer;
use crate::train::evaluate::try_one;
use crate::train::history::History;
use std::borrow::Cow;
#[cfg(feature = "safetensors")]
use std::path::Path;
use unspool_autograd::{Params, ParamsExt, Real, Scalar, Tensor};

/// Training to be run: what [`fit`] returns.
#[must_use = "nothing is trained until `run`"]
pub struct Fit<'a, T: Scalar, M, L, O> {
    model: &'a mut M,
    train: &'a Dataset<T>,
    loss: L,
    optimizer: O,
    settings: Settings<'a, T, M>,
}

/// Trains `model` on the examples of `train`: [`loss`](Fit::loss) says on what, [`run`](Fit::run) begins.
///
/// Unless said otherwise: [`Adam`] with Keras's defaults, batches of 32, one epoch, shuffled from seed 0.
///
/// A batch is computed in parts on several threads. How it is cut depends on its size alone, and gradients are
/// added in a fixed order: the same seed gives the same weights, bit for bit, at any number of threads, and whether
/// training was interrupted and resumed or not. The threads are those of [rayon](https://docs.rs/rayon), and stay when training
/// is done: a process that `fork` makes later has none of them, and waits for them without end when it trains or predicts.
/// Fork before, or let the new process `exec`, as [`std::process::Command`] does.
///
/// Progress goes to standard error: a bar on a terminal, a line per epoch otherwise, nothing after
/// [`quiet`](Fit::quiet). See the [crate's page](crate) for an example, and for the same as a loop of one's own.
pub fn fit<'a, T: Scalar, M: Params<Tensor<T>>>(model: &'a mut M, train: &'a Dataset<T>) -> Fit<'a, T, M, (), Adam<T>> {
    Fit { model, train, loss: (), optimizer: Adam::default(), settings: Settings::default() }
}

impl<'a, T: Scalar, M, L, O> Fit<'a, T, M, L, O> {
    /// Sets the loss: [`mse`](crate::losses::mse), or any function of the form of [`Loss`].
    pub fn loss<N: Loss<T>>(self, loss: N) -> Fit<'a, T, M, N, O> {
        let Fit { model, train, optimizer, settings, .. } = self;
        Fit { model, train, loss, optimizer, settings }
    }

    /// Sets the optimiser: one of [`optimizers`](crate::optim), a pair of one and a borrowed [`Ema`](crate::optim::Ema), or
    /// one of your own. It is told the validation loss after each epoch, or the training loss if there is none. Lent to several
    /// trainings of one model, it goes on where it was; for another model it begins anew.
    pub fn optimizer<N>(self, optimizer: N) -> Fit<'a, T, M, L, N> {
        let Fit { model, train, loss, settings, .. } = self;
        Fit { model, train, loss, optimizer, settings }
    }

    /// Sets the number of examples per batch. The last batch of an epoch may be smaller.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.settings.batch_size = batch_size;
        self
    }

    /// Takes the gradients of so many batches together for one step, 1 unless said otherwise: a step on a larger batch, in the
    /// memory of a smaller one. The last step of an epoch may have fewer.
    ///
    /// # Panics
    /// If `batches` is 0.
    #[track_caller]
    pub fn accumulate(mut self, batches: usize) -> Self {
        assert!(batches > 0, "accumulate: 0 batches per step: it must be at least 1");
        self.settings.accumulate = batches;
        self
    }

    /// Sets how often every example is seen.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.settings.epochs = epochs;
        self
    }

    /// Sets the seed of the order of examples and of what dropout leaves out.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Whether every epoch sees the examples in another order, as it does unless said otherwise, or as they stand.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.settings.order = if shuffle { Order::Shuffled } else { Order::AsTheyStand };
        self
    }

    /// Makes batches of sequences of similar [length](Dataset::with_lengths), in another order in every epoch: see
    /// [`buckets`](crate::data::buckets).
    pub fn bucket_by_length(mut self) -> Self {
        self.settings.order = Order::Buckets;
        self
    }

    /// Computes the loss on these examples, too, after each epoch.
    pub fn validate(mut self, valid: &'a Dataset<T>) -> Self {
        self.settings.validation = Validation::On(valid);
        self
    }

    /// Holds back the last part of the examples, before any shuffling, to compute the loss on after each epoch. For examples
    /// that overlap, as windows over a series do, [`Dataset::split`] leaves a gap.
    ///
    /// # Panics
    /// If `fraction` is not greater than 0 and less than 1.
    #[track_caller]
    pub fn validation_split(mut self, fraction: f64) -> Self {
        let right = fraction > 0.0 && fraction < 1.0;
        assert!(right, "validation_split: the fraction is {fraction}; it must be greater than 0 and less than 1");
        self.settings.validation = Validation::Last(fraction);
        self
    }

    /// Computes something else after each epoch, as [`evaluate`](crate::train::evaluate) does: [`mae`](crate::losses::mae), one of
    /// [`metrics`](crate::train::metrics), or any function of all outputs and targets, of the form of [`Loss`]. It stands in
    /// the [`History`] by its name, with `val_` in front if it is computed on validation examples; without any, it is
    /// computed on the training examples. Every example counts the same, whatever its [weight](Dataset::with_weights).
    /// When it becomes NaN, training goes on, and a line on standard error says so.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn metric(mut self, name: impl Into<String>, metric: impl Loss<T> + Send + 'a) -> Self {
        let (name, metrics) = (name.into(), &mut self.settings.metrics);
        // What stands beside the metrics in a history and its files.
        let known = ["loss", "val_loss", "learning_rate", "epoch", "seconds"];
        let taken = known.contains(&&name[..]) || metrics.iter().any(|(known, _)| *known == name);
        assert!(!taken, "metric: the name {name:?} is taken");
        metrics.push((name, Box::new(metric)));
        self
    }

    /// Calls something after each step and epoch, which may end training: [`EarlyStopping`](super::EarlyStopping), or a [`Callback`] of your own.
    /// Several are called in the order in which they were told. Each begins anew in every training.
    pub fn callback(mut self, callback: impl Callback<T, M> + Send + 'a) -> Self {
        self.settings.callbacks.push(Box::new(callback));
        self
    }

    /// Ends training after the step in which `interrupt` is set.
    pub fn interrupt(mut self, interrupt: &Interrupt) -> Self {
        self.settings.interrupt = interrupt.clone();
        self
    }

    /// Reports no progress, but still a metric that becomes NaN.
    pub fn quiet(mut self) -> Self {
        self.settings.quiet = true;
        self
    }
}

#[cfg(feature = "safetensors")]
impl<T: Scalar, M, L, O> Fit<'_, T, M, L, O> {
    /// Saves all that the rest of the training depends on to this file, after each epoch and when it is
    /// [interrupted](crate::train::Interrupt): the model, what optimiser and callbacks [remember](crate::optim::StateDict), the history, and the step that
    /// training has come to. The order of examples and what dropout leaves out need not be saved: they depend on the seed
    /// and the step alone.
    ///
    /// The file is replaced as a whole: a kill at any moment leaves the one before. Whether it can be written is tried before
    /// training. The model in it is read by `WeightFile::open(path)?.load("model", &mut model)`, too.
    ///
    /// ```
    /// use unspool_nn::data::Dataset;
    /// use unspool_nn::layers::{dense, sequential};
    /// use unspool_nn::losses::mse;
    /// use unspool_nn::train::fit;
    /// use unspool_autograd::Tensor;
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

    /// Saves the [`checkpoint`](Fit::checkpoint) after every so many steps, too.
    ///
    /// # Panics
    /// If `steps` is 0, or no file was told before.
    #[track_caller]
    pub fn checkpoint_every(mut self, steps: usize) -> Self {
        assert!(steps > 0, "checkpoint_every: 0 steps: it must be at least 1");
        let files = &mut self.settings.files;
        assert!(files.checkpoint.is_some(), "checkpoint_every: there is no file to save to: `checkpoint` comes before");
        files.every = Some(steps);
        self
    }

    /// Goes on where the training stood that saved this [`checkpoint`](Fit::checkpoint), one of the same program: it ends
    /// in the same bits as if it had not been interrupted. The number of epochs may be another, and so may be settings that
    /// the file does not hold, such as learning rates. What a callback has ended stays ended.
    ///
    /// [`run`](Fit::run) then returns an error if the file cannot be read, or is that of another model or optimiser, other
    /// callbacks or metrics, another seed, batch size, order or number of examples: it says what differs, and the model is
    /// unchanged.
    pub fn resume(mut self, path: impl AsRef<Path>) -> Self {
        self.settings.files.resume = Some(path.as_ref().to_owned());
        self
    }
}

impl<T, M, L, O> Fit<'_, T, M, L, O>
where
    T: Real,
    M: for<'t> Model<'t, T> + Send + Sync,
    L: Loss<T> + Send,
    O: Optimizer<T, M> + Send,
{
    /// Trains.
    ///
    /// # Errors
    /// If there are no examples, the batch size is 0, the model has no parameters, a number in the examples is not finite where
    /// that does harm, the loss (also on the validation examples) or a gradient is no longer finite, a callback cannot do its
    /// work, or a checkpoint cannot be written, cannot be read or is not one of this training. What training had come to is
    /// in the model and in [`FitError::history`].
    ///
    /// # Panics
    /// If the examples do not fit the model, the loss or a metric, or the optimiser does not fit the model; or if sequences
    /// without lengths are to be [bucketed](Fit::bucket_by_length).
    #[track_caller]
    pub fn run(mut self) -> Result<History, FitError> {
        let (train, valid) = self.settings.parts(self.train);
        if train.is_empty() {
            return Err(FitError::NoExamples("training"));
        }
        if valid.as_deref().is_some_and(Dataset::is_empty) {
            return Err(FitError::NoExamples("validation"));
        }
        if self.settings.batch_size == 0 {
            return Err(FitError::EmptyBatch);
        }
        if self.model.leaves().is_empty() {
            return Err(FitError::NothingToTrain);
        }
        self.settings.batches(&train, 1);
        for data in [Some(&train), valid.as_ref()].into_iter().flatten() {
            try_one(self.model, data, &self.loss);
        }
        for (_, metric) in &self.settings.metrics {
            try_one(self.model, valid.as_ref().unwrap_or(&train), metric);
        }
        self.optimizer.prepare(self.model);
        // Every batch is picked from these.
        let train = if train.is_contiguous() { train } else { Cow::Owned(train.contiguous()) };
        let Fit { model, loss, optimizer, settings, .. } = self;
        let training = Training::new(model, &train, valid.as_deref(), loss, optimizer, settings);
        // Inside the thread pool, handing work to another thread costs a microsecond; from outside, twenty.
        rayon::scope(|_| training.run())
    }
}
