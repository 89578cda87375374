//! The task of a data set and a loss.

use super::bad_batch::mistaken_example;
use super::error::FitError;
use super::task::{BatchGradients, ExampleSet, Task};
use crate::data::batches::shuffled_batches;
use crate::data::buckets::buckets;
use crate::data::dataset::Dataset;
use crate::data::examples::{Examples, OnTape};
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use crate::train::evaluate::try_one;
use crate::train::predictions::Predictions;
use crate::train::shards::Shards;
use crate::train::world::Ranks;
use crate::train::world::agreement::Hash;
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::ops::Range;
use std::panic::Location;
use unspool_autograd::at_callers_line::at_callers_line_with;
use unspool_autograd::mistake::{Caught, catch};
use unspool_autograd::{BadValue, Scalar, Var};

/// Examples and a loss to train on: what [`fit`](crate::train::fit()) makes of a [`Dataset`]. Its
/// settings are methods of [`Fit`](crate::train::Fit).
///
/// ```
/// use unspool::prelude::*;
/// let data = Dataset::new(Tensor::<f32>::ones([64, 3]), Tensor::zeros([64, 1]))?;
/// let mut model = sequential().add(dense(3, 1));
/// // The settings after `loss` are those of the task, and of every training.
/// let fit = fit(&mut model, &data).loss(mse).batch_size(16).metric("mae", unspool::losses::mae);
/// assert_eq!(fit.epochs(2).quiet().run()?.metrics[0].0, "mae");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Supervised<'a, T: Scalar, X: Examples, Y: OnTape<T>, L> {
    pub(super) train: Cow<'a, Dataset<X, Y>>,
    pub(super) valid: Option<Cow<'a, Dataset<X, Y>>>,
    /// The fraction of the training examples to hold out as validation examples.
    pub(super) held_out: Option<f64>,
    pub(super) loss: L,
    /// The line that set the loss.
    pub(super) loss_at: &'static Location<'static>,
    pub(super) batch_size: usize,
    pub(super) order: Order,
    pub(super) metrics: Vec<NamedMetric<'a, T, Y>>,
    /// Whether metrics are measured on the training examples beside those of validation.
    pub(super) train_metrics: bool,
    /// The examples of each batch of the epoch, unless they keep their order.
    pub(super) batches: Option<Vec<Vec<usize>>>,
    pub(super) shards: Shards<T>,
    /// Those that evaluate together.
    pub(super) ranks: Option<Ranks<T>>,
}

impl<T: Scalar, X: Examples, Y: OnTape<T>, L> fmt::Debug for Supervised<'_, T, X, Y, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metrics: Vec<_> = self.metrics.iter().map(|metric| &metric.name).collect();
        f.debug_struct("Supervised")
            .field("examples", &self.train.len())
            .field("validation", &self.valid.as_ref().map(|valid| valid.len()))
            .field("batch_size", &self.batch_size)
            .field("order", &self.order)
            .field("metrics", &metrics)
            .finish_non_exhaustive()
    }
}

/// A metric, its name, and the line that set it.
pub(super) struct NamedMetric<'a, T: Scalar, Y: OnTape<T>> {
    pub name: String,
    pub metric: Metric<'a, T, Y>,
    pub at: &'static Location<'static>,
}

/// Where it was given, for messages.
impl<T: Scalar, Y: OnTape<T>> Display for NamedMetric<'_, T, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in the metric {:?} given to fit at {}", self.name, self.at)
    }
}

/// A function of outputs and targets.
type Metric<'a, T, Y> = Box<dyn for<'t> Fn(Var<'t, T>, <Y as OnTape<T>>::Bound<'t>) -> Var<'t, T> + Send + Sync + 'a>;

/// The order of examples in an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    Shuffled,
    Unchanged,
    Buckets,
}

/// The loss of a training whose [`loss`](crate::train::Fit::loss) is still to be set: it has no `run`
/// yet.
///
/// ```
/// use unspool::prelude::*;
/// let data = Dataset::new(Tensor::<f32>::ones([64, 3]), Tensor::zeros([64, 1]))?;
/// let mut model = sequential().add(dense(3, 1));
/// let without = fit(&mut model, &data);           // has no `run`
/// without.loss(mse).quiet().run()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NoLoss;

impl<'a, T: Scalar, X: Examples, Y: OnTape<T>> Supervised<'a, T, X, Y, NoLoss> {
    #[track_caller]
    pub(super) fn new(train: &'a Dataset<X, Y>) -> Self {
        Supervised {
            train: Cow::Borrowed(train),
            valid: None,
            held_out: None,
            loss: NoLoss,
            loss_at: Location::caller(),
            batch_size: 32,
            order: Order::Shuffled,
            metrics: Vec::new(),
            train_metrics: false,
            batches: None,
            shards: Shards::new(),
            ranks: None,
        }
    }
}

impl<'a, T: Scalar, X: OnTape<T>, Y: OnTape<T>, L: Loss<T, Y>> Supervised<'a, T, X, Y, L> {
    /// Where the metrics without a prefix are measured.
    pub(super) fn measures_training(&self) -> bool {
        self.valid.is_none() || self.train_metrics
    }

    fn batch(&self, i: usize) -> Dataset<X, Y> {
        match &self.batches {
            Some(batches) => self.train.select_trimmed(&batches[i]),
            None => {
                let examples = self.range(i);
                self.train.slice_trimmed(examples.start, examples.len())
            }
        }
    }

    /// The examples of batch `i` of those that keep their order.
    fn range(&self, i: usize) -> Range<usize> {
        let start = i * self.batch_size;
        start..self.train.len().min(start + self.batch_size)
    }

    /// The indices of the examples of batch `i`.
    pub(super) fn examples(&self, i: usize) -> Vec<usize> {
        self.batches.as_ref().map_or_else(|| self.range(i).collect(), |batches| batches[i].clone())
    }

    /// Whether a metric of this example alone is NaN.
    pub(super) fn metric_is_nan<M: Model<T, X> + Sync>(&self, model: &M, example: &Dataset<X, Y>) -> bool {
        let outputs = Predictions::of(model, example);
        self.metrics.iter().any(|named| outputs.measure(&named.metric).is_nan())
    }

    /// The outputs for the validation examples, and the loss.
    fn validation<M: Model<T, X> + Sync>(&self, model: &M, valid: &Dataset<X, Y>) -> (Predictions<T, X, Y>, f64) {
        let measure = |data: &Dataset<X, Y>| {
            let outputs = Predictions::of_ranks(model, data, self.ranks.as_ref());
            let loss = outputs.loss(&self.loss);
            (outputs, loss)
        };
        match catch(|| measure(valid)) {
            Ok(measured) => measured,
            Err(caught) => {
                let example = mistaken_example(&caught, valid.len(), |i| {
                    Predictions::of(model, &valid.slice_trimmed(i, 1)).loss(&self.loss)
                });
                self.raise(caught, example, "in the validation examples")
            }
        }
    }

    /// Raises a mistake that an example makes in the model or the loss.
    #[cold]
    #[track_caller]
    fn raise(&self, caught: Caught, example: Option<usize>, place: impl Display) -> ! {
        let example = example.map_or_else(String::new, |i| format!("example {i}, "));
        caught.raise(Some(&format_args!("{example}{place}, with the loss given to fit at {}", self.loss_at)))
    }
}

impl<'a, T, M, X, Y, L> Task<T, M> for Supervised<'a, T, X, Y, L>
where
    T: Scalar,
    M: Model<T, X> + Send + Sync,
    X: OnTape<T>,
    Y: OnTape<T>,
    L: Loss<T, Y>,
{
    fn set_ranks(&mut self, ranks: &Ranks<T>) {
        self.shards.set_ranks(ranks);
        self.ranks = Some(ranks.clone());
    }

    #[track_caller]
    fn prepare(&mut self, model: &M) -> Result<(), FitError> {
        if let Some(fraction) = self.held_out.take() {
            let held_out = (self.train.len() as f64 * fraction).round() as usize;
            let first = self.train.len() - held_out;
            self.valid = Some(Cow::Owned(self.train.slice(first, held_out)));
            self.train = Cow::Owned(self.train.slice(0, first));
        }
        if self.train.is_empty() {
            return Err(FitError::NoExamples("training"));
        }
        if self.valid.as_deref().is_some_and(Dataset::is_empty) {
            return Err(FitError::NoExamples("validation"));
        }
        if self.batch_size == 0 {
            return Err(FitError::EmptyBatch);
        }
        let bucketed = self.order == Order::Buckets && self.train.lengths().is_none();
        ensure!(!bucketed, "bucket_by_length: the data set has no lengths: set them with `with_lengths`");
        for data in [Some(&self.train), self.valid.as_ref()].into_iter().flatten() {
            try_one(model, data, &self.loss, format_args!("in the loss given to fit at {}", self.loss_at));
        }
        for named in &self.metrics {
            try_one(model, self.valid.as_ref().unwrap_or(&self.train), &named.metric, named);
        }
        if !self.train.is_contiguous() {
            self.train = Cow::Owned(self.train.contiguous()); // every batch gathers rows of it
        }
        Ok(())
    }

    fn begin_epoch(&mut self, seed: u64) -> usize {
        self.batches = match self.order {
            Order::Unchanged => None,
            Order::Shuffled => Some(shuffled_batches(self.train.len(), self.batch_size, seed)),
            Order::Buckets => Some(buckets(self.train.lengths().unwrap_or_default(), self.batch_size, seed)),
        };
        self.train.len().div_ceil(self.batch_size)
    }

    #[track_caller]
    fn gradients(&mut self, model: &M, batch: usize, mode: Mode) -> BatchGradients<M> {
        let examples = self.batch(batch);
        match catch(|| self.shards.cut_batch_gradients(model, &examples, &self.loss, mode)) {
            Ok((loss, gradients)) => BatchGradients { loss, gradients, weight: examples.loss_count() },
            // What the first example has not shown, such as a class that is out of range.
            Err(caught) => {
                let examples = self.examples(batch);
                let example = mistaken_example(&caught, examples.len(), |i| {
                    let example = self.train.slice_trimmed(examples[i], 1);
                    Shards::new().cut_batch_gradients(model, &example, &self.loss, mode)
                });
                let example = example.map(|i| examples[i]);
                self.raise(caught, example, format_args!("in batch {} of an epoch", batch + 1))
            }
        }
    }

    fn metrics(&self) -> Vec<String> {
        let sets = [self.measures_training().then_some(""), self.valid.as_ref().map(|_| "val_")];
        let of = |named: &NamedMetric<'a, T, Y>| sets.map(|prefix| Some(format!("{}{}", prefix?, named.name)));
        let loss = self.valid.iter().map(|_| "val_loss".to_owned());
        loss.chain(self.metrics.iter().flat_map(of).flatten()).collect()
    }

    fn evaluate(&mut self, model: &M) -> Vec<f64> {
        // All values of a set come from one forward pass.
        let (valid, loss) = self.valid.as_deref().map(|valid| self.validation(model, valid)).unzip();
        let training = self.measures_training() && !self.metrics.is_empty();
        let training = training.then(|| Predictions::of_ranks(model, &self.train, self.ranks.as_ref()));
        let of = |named: &NamedMetric<'a, T, Y>| {
            [&training, &valid].map(|outputs| {
                let outputs = outputs.as_ref()?;
                Some(at_callers_line_with(named, || outputs.measure(&named.metric)))
            })
        };
        loss.into_iter().chain(self.metrics.iter().flat_map(of).flatten()).collect()
    }

    fn check_data(&self, model: &M, set: ExampleSet, limit: usize) -> Result<(), FitError> {
        match set {
            ExampleSet::Training => self.check_training_data(model, limit),
            ExampleSet::Validation => self.check_validation_data(model, limit),
        }
    }

    fn bad_value(&mut self, model: &M, batch: usize, mode: Mode) -> Option<BadValue> {
        self.explain_batch(model, batch, mode)
    }

    fn bad_validation_value(&mut self, model: &M) -> Option<BadValue> {
        self.explain_validation(model)
    }

    fn settings(&self) -> Vec<(&'static str, u64)> {
        let valid = self.valid.as_ref().map_or(0, |valid| valid.len());
        vec![
            ("batch size", self.batch_size as u64),
            ("number of training examples", self.train.len() as u64),
            ("number of validation examples", valid as u64),
            ("order of examples", self.order as u64),
            ("number of metrics", self.metrics.len() as u64),
        ]
    }

    fn examples_hash(&self) -> u64 {
        let sets = [Some(&*self.train), self.valid.as_deref()].into_iter().flatten();
        sets.fold(Hash::default(), |hash, set| set.hash(hash)).value()
    }
}
