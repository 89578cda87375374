//! Training.

use crate::dataset::Dataset;
use crate::evaluate::{evaluate, try_one};
use crate::history::History;
use crate::layer::Model;
use crate::loss::Loss;
use crate::mode::Mode;
use crate::optimizer::Optimizer;
use crate::optimizers::Adam;
use crate::progress::Progress;
use crate::random::rng;
use crate::shards::Shards;
use rand::seq::SliceRandom;
use std::fmt;
use std::time::Instant;
use unspool_autograd::{Params, Path, Scalar, Tensor, Weights};

/// Training to be run: what [`fit`] returns.
#[must_use = "nothing is trained until `run`"]
pub struct Fit<'a, T: Scalar, M, L, O> {
    model: &'a mut M,
    train: &'a Dataset<T>,
    valid: Option<&'a Dataset<T>>,
    loss: L,
    optimizer: O,
    batch: usize,
    epochs: usize,
    seed: u64,
    quiet: bool,
}

/// Trains `model` on the examples of `train`: [`loss`](Fit::loss) says on what, [`run`](Fit::run) begins.
///
/// Unless said otherwise: [`Adam`] with Keras's defaults, batches of 32, one epoch, shuffled from seed 0.
///
/// A batch is computed in parts on several threads. How it is cut depends on its size alone, and gradients are
/// added in a fixed order: the same seed gives the same weights, bit for bit, at any number of threads.
///
/// Progress goes to standard error: a bar on a terminal, a line per epoch otherwise, nothing after
/// [`quiet`](Fit::quiet). See the [crate's page](crate) for an example.
pub fn fit<'a, T: Scalar, M: Params<Tensor<T>>>(model: &'a mut M, train: &'a Dataset<T>) -> Fit<'a, T, M, (), Adam<T>> {
    Fit { model, train, valid: None, loss: (), optimizer: Adam::default(), batch: 32, epochs: 1, seed: 0, quiet: false }
}

/// Why training did not run, or not to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum FitError {
    /// The named set of examples (training or validation) is empty.
    NoExamples(&'static str),
    /// The batch size is 0.
    EmptyBatch,
    /// The model has no parameters.
    NothingToTrain,
    /// The gradient of a parameter became infinite or NaN, though the loss did not; the weights are those before that
    /// step.
    GradientNotFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in the epoch, from 1.
        batch: usize,
        /// The parameter's dotted name.
        parameter: String,
    },
    /// The loss became infinite or NaN; the weights are those before that step.
    NotFinite {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch in the epoch, from 1.
        batch: usize,
        /// The loss.
        loss: f64,
    },
}

impl fmt::Display for FitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FitError::NoExamples(set) => write!(f, "the {set} set holds no examples: at least one is needed"),
            FitError::EmptyBatch => f.write_str("the batch size is 0: it must be at least 1"),
            FitError::NothingToTrain => f.write_str("the model has no parameters: there is nothing to train"),
            FitError::GradientNotFinite { epoch, batch, parameter } => {
                write!(f, "the gradient of {parameter} is not finite in batch {batch} of epoch {epoch}")
            }
            FitError::NotFinite { epoch, batch, loss } => {
                write!(f, "the loss became {loss} in batch {batch} of epoch {epoch}: try a smaller learning rate")
            }
        }
    }
}

impl std::error::Error for FitError {}

impl<'a, T: Scalar, M, L, O> Fit<'a, T, M, L, O> {
    /// Sets the loss: [`mse`](crate::mse), or any function of the form of [`Loss`].
    pub fn loss<N: Loss<T>>(self, loss: N) -> Fit<'a, T, M, N, O> {
        let Fit { model, train, valid, optimizer, batch, epochs, seed, quiet, .. } = self;
        Fit { model, train, valid, loss, optimizer, batch, epochs, seed, quiet }
    }

    /// Sets the optimiser: one of [`optimizers`](crate::optimizers), a pair of one and a borrowed [`Ema`](crate::Ema), or
    /// one of your own. It is told the validation loss after each epoch, or the training loss if there is none.
    pub fn optimizer<N>(self, optimizer: N) -> Fit<'a, T, M, L, N> {
        let Fit { model, train, valid, loss, batch, epochs, seed, quiet, .. } = self;
        Fit { model, train, valid, loss, optimizer, batch, epochs, seed, quiet }
    }

    /// Sets the number of examples per step. The last batch of an epoch may be smaller.
    pub fn batch(self, batch: usize) -> Self {
        Fit { batch, ..self }
    }

    /// Sets how often every example is seen.
    pub fn epochs(self, epochs: usize) -> Self {
        Fit { epochs, ..self }
    }

    /// Sets the seed of the order of examples and of what dropout leaves out.
    pub fn seed(self, seed: u64) -> Self {
        Fit { seed, ..self }
    }

    /// Computes the loss on these examples, too, after each epoch.
    pub fn validate(self, valid: &'a Dataset<T>) -> Self {
        Fit { valid: Some(valid), ..self }
    }

    /// Reports no progress.
    pub fn quiet(self) -> Self {
        Fit { quiet: true, ..self }
    }
}

impl<T, M, L, O> Fit<'_, T, M, L, O>
where
    T: Scalar,
    M: for<'t> Model<'t, T> + Send + Sync,
    L: Loss<T> + Send,
    O: Optimizer<T, M> + Send,
{
    /// Trains.
    ///
    /// # Errors
    /// If there are no examples, the batch size is 0, the model has no parameters, or the loss or a gradient is no
    /// longer finite.
    ///
    /// # Panics
    /// If the examples do not fit the model or the loss, or the optimiser does not fit the model.
    #[track_caller]
    pub fn run(mut self) -> Result<History, FitError> {
        if self.train.is_empty() {
            return Err(FitError::NoExamples("training"));
        }
        if self.valid.is_some_and(Dataset::is_empty) {
            return Err(FitError::NoExamples("validation"));
        }
        if self.batch == 0 {
            return Err(FitError::EmptyBatch);
        }
        if self.model.leaves().is_empty() {
            return Err(FitError::NothingToTrain);
        }
        for data in [Some(self.train), self.valid].into_iter().flatten() {
            try_one(self.model, data, &self.loss);
        }
        self.optimizer.prepare(self.model);
        // Inside the thread pool, handing work to another thread costs a microsecond; from outside, twenty.
        rayon::scope(|_| self.train())
    }

    fn train(mut self) -> Result<History, FitError> {
        let started = Instant::now();
        let mut history = History::default();
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        let mut rng = rng(self.seed);
        let mut shards = Shards::new();
        let progress = Progress::new(self.quiet, self.epochs, order.len().div_ceil(self.batch));

        for epoch in 1..=self.epochs {
            order.shuffle(&mut rng);
            let mut total = 0.0;
            for (i, batch) in order.chunks(self.batch).enumerate() {
                let mode = Mode::Training { seed: self.seed }.part(epoch).part(i);
                let (loss, gradients) = shards.of_batch(self.model, self.train, batch, &self.loss, mode);
                if !loss.is_finite() {
                    return Err(FitError::NotFinite { epoch, batch: i + 1, loss });
                }
                if let Some(parameter) = first_not_finite(&gradients) {
                    return Err(FitError::GradientNotFinite { epoch, batch: i + 1, parameter });
                }
                self.optimizer.step(self.model, &gradients);
                total += loss * batch.len() as f64;
                progress.step(epoch, i + 1, loss);
            }
            let mut metric = total / order.len() as f64;
            history.loss.push(metric);
            if let Some(valid) = self.valid {
                metric = evaluate(&*self.model, valid, &self.loss);
                history.val_loss.push(metric);
            }
            self.optimizer.observe(metric);
            progress.epoch(epoch, &history, started.elapsed());
        }
        history.seconds = started.elapsed().as_secs_f64();
        Ok(history)
    }
}

/// The name of the first parameter whose gradient holds an infinity or NaN.
fn first_not_finite<T: Scalar, M: Params<Tensor<T>>>(gradients: &M) -> Option<String> {
    let mut found = None;
    gradients.visit_leaves(Path::ROOT, &mut |path, leaf| {
        let leaf = leaf.contiguous();
        let finite = leaf.as_slice().expect("contiguous").iter().all(|g| g.is_finite());
        if !finite && found.is_none() {
            found = Some(path.to_string());
        }
    });
    found
}
