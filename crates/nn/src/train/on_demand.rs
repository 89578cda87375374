//! Training on examples that are read when they are needed.

use super::error::FitError;
use super::task::{BatchGradients, Task};
use super::training_loop::VAL_LOSS;
use crate::data::batches::shuffled_batches;
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::examples::{Examples, OnTape};
use crate::data::source::DataSource;
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use crate::train::batch_loss::batch_loss;
use crate::train::evaluate::try_one;
use crate::train::predictions::Predictions;
use crate::train::shards::Shards;
use crate::train::world::Ranks;
use std::fmt;
use std::ops::Range;
use std::panic::{Location, resume_unwind};
use std::thread;
use unspool_autograd::Scalar;
use unspool_autograd::at_callers_line::at_callers_line_with;

/// A [`Task`]: a [`DataSource`] and a loss. The examples of a batch are read while the step before it is computed, by a
/// thread of its own; over a [`World`](super::World) each rank reads those that it computes and no others, so that no
/// machine needs all data. Two batches are in memory at a time.
///
/// The weights are those of [`fit`](super::fit()) on a [`Dataset`] with the same examples and settings, to the bit. The
/// validation examples are in memory, on every rank.
///
/// ```
/// use unspool::data::{DataError, DataSource};
/// use unspool::prelude::*;
/// use unspool::train::OnDemand;
///
/// /// A million waves, of which a batch at a time exists.
/// struct Waves;
///
/// impl DataSource for Waves {
///     type X = Tensor;
///     type Y = Tensor;
///
///     fn len(&self) -> usize {
///         1_000_000
///     }
///
///     fn read(&self, examples: &[usize]) -> Result<Dataset, DataError> {
///         let x = Tensor::from_fn([examples.len(), 4], |i| (examples[i / 4] as f32 + (i % 4) as f32 * 0.3).sin());
///         let y = Tensor::from_fn([examples.len(), 1], |i| (examples[i] as f32 + 1.2).sin());
///         Dataset::new(x, y)
///     }
/// }
///
/// let mut task = OnDemand::new(&Waves, 50_000).loss(mse);
/// let mut model = sequential().add(dense(4, 1));
/// let history = fit(&mut model, &mut task).epochs(1).quiet().run()?;
/// # assert!(history.loss[0].is_finite());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OnDemand<'a, X, Y, L, T: Scalar = f32> {
    train: &'a dyn DataSource<X = X, Y = Y>,
    valid: Option<&'a Dataset<X, Y>>,
    loss: L,
    /// The line that set the loss.
    loss_at: &'static Location<'static>,
    batch_size: usize,
    shuffle: bool,
    /// The examples of each batch of the epoch.
    batches: Vec<Vec<usize>>,
    /// This rank's shards of the batch that was fetched, and the weight of each of all shards in a mean.
    fetched: (Vec<Dataset<X, Y>>, Vec<f64>),
    /// A batch that was read in advance: its number, and its shards.
    ahead: Option<(usize, ReadShards<X, Y>)>,
    shards: Shards<T>,
    ranks: Option<Ranks<T>>,
}

impl<X: Examples, Y: Examples, L, T: Scalar> fmt::Debug for OnDemand<'_, X, Y, L, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, batch_size, shuffle) = (self.train.len(), self.batch_size, self.shuffle);
        let mut fields = f.debug_struct("OnDemand");
        fields.field("examples", &n).field("batch_size", &batch_size).field("shuffle", &shuffle).finish_non_exhaustive()
    }
}

impl<'a, X: Examples, Y: Examples, T: Scalar> OnDemand<'a, X, Y, (), T> {
    /// Batches of `batch_size` examples of a source, shuffled in every epoch. Set the [`loss`](OnDemand::loss) next.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    #[track_caller]
    pub fn new(train: &'a dyn DataSource<X = X, Y = Y>, batch_size: usize) -> Self {
        ensure!(batch_size > 0, "OnDemand: batches of 0 examples: they must have at least 1");
        OnDemand {
            train,
            valid: None,
            loss: (),
            loss_at: Location::caller(),
            batch_size,
            shuffle: true,
            batches: Vec::new(),
            fetched: (Vec::new(), Vec::new()),
            ahead: None,
            shards: Shards::new(),
            ranks: None,
        }
    }
}

impl<'a, X: Examples, Y: Examples, L, T: Scalar> OnDemand<'a, X, Y, L, T> {
    /// Sets the loss.
    #[track_caller]
    pub fn loss<N: Loss<T, Y>>(self, loss: N) -> OnDemand<'a, X, Y, N, T>
    where
        Y: OnTape<T>,
    {
        let loss_at = Location::caller();
        let OnDemand { train, valid, batch_size, shuffle, batches, fetched, ahead, shards, ranks, .. } = self;
        OnDemand { train, valid, loss, loss_at, batch_size, shuffle, batches, fetched, ahead, shards, ranks }
    }

    /// Whether to shuffle the examples in every epoch (the default), or to keep their order: what a file on a slow disk
    /// needs.
    pub fn shuffle(self, shuffle: bool) -> Self {
        OnDemand { shuffle, ..self }
    }

    /// Computes the loss on these examples after each epoch.
    pub fn validate(self, valid: &'a Dataset<X, Y>) -> Self {
        OnDemand { valid: Some(valid), ..self }
    }
}

/// Shards that were read, or why they could not be.
type ReadShards<X, Y> = Result<Vec<Dataset<X, Y>>, FitError>;

/// Reads examples of a source.
fn read<X: Examples, Y: Examples>(
    source: &dyn DataSource<X = X, Y = Y>,
    examples: &[usize],
) -> Result<Dataset<X, Y>, FitError> {
    let read = source.read(examples).and_then(|read| match read.len() {
        n if n == examples.len() => Ok(read),
        n => Err(DataError::new(format!(
            "the data source has returned {n} examples of {} requested ones",
            examples.len()
        ))),
    });
    read.map_err(|error| FitError::Read { error, history: None })
}

/// Reads these ranges of a batch's examples, as shards.
fn read_shards<X: Examples, Y: Examples>(
    source: &dyn DataSource<X = X, Y = Y>,
    examples: &[usize],
    ranges: &[Range<usize>],
) -> ReadShards<X, Y> {
    let shard = |range: &Range<usize>| {
        read(source, &examples[range.clone()]).map(|shard| shard.slice_trimmed(0, shard.len()).contiguous())
    };
    ranges.iter().map(shard).collect()
}

/// The ranges of a batch that these shards compute.
fn own_ranges<T: Scalar>(shards: &Shards<T>, examples: &[usize]) -> Vec<Range<usize>> {
    let ranges: Vec<_> = Shards::<T>::ranges(examples.len()).collect();
    ranges[shards.own(ranges.len())].to_vec()
}

impl<T, M, X, Y, L> Task<T, M> for OnDemand<'_, X, Y, L, T>
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
        if self.train.is_empty() {
            return Err(FitError::NoExamples("training"));
        }
        if self.valid.is_some_and(Dataset::is_empty) {
            return Err(FitError::NoExamples("validation"));
        }
        let first = read(self.train, &[0])?;
        for data in [Some(&first), self.valid].into_iter().flatten() {
            try_one(model, data, &self.loss, format_args!("in the loss given to OnDemand at {}", self.loss_at));
        }
        Ok(())
    }

    fn begin_epoch(&mut self, seed: u64) -> usize {
        let n = self.train.len();
        self.ahead = None;
        self.batches = match self.shuffle {
            true => shuffled_batches(n, self.batch_size, seed),
            false => (0..n).collect::<Vec<_>>().chunks(self.batch_size).map(<[usize]>::to_vec).collect(),
        };
        self.batches.len()
    }

    fn fetch(&mut self, batch: usize) -> Result<(), FitError> {
        let examples = &self.batches[batch];
        let read = match self.ahead.take() {
            Some((ahead, read)) if ahead == batch => read?,
            _ => read_shards(self.train, examples, &own_ranges(&self.shards, examples))?,
        };
        let mut counts: Vec<f64> = read.iter().map(Dataset::loss_count).collect();
        if let Some(ranks) = &self.ranks {
            counts = ranks.all_numbers(Shards::<T>::ranges(examples.len()).len(), counts);
        }
        self.fetched = (read, counts);
        Ok(())
    }

    #[track_caller]
    fn gradients(&mut self, model: &M, batch: usize, mode: Mode) -> BatchGradients<M> {
        let OnDemand { train, batches, fetched: (read, counts), shards, loss, loss_at, .. } = self;
        let (count, first) = (counts.iter().sum::<f64>(), shards.own(counts.len()).start);
        let next = batches.get(batch + 1).map(|examples| (examples, own_ranges(shards, examples)));
        let all: Vec<usize> = (0..counts.len()).collect();
        let hint = format_args!("in batch {} of an epoch, with the loss given to OnDemand at {loss_at}", batch + 1);
        let ((loss, gradients), ahead) = at_callers_line_with(hint, || {
            thread::scope(|scope| {
                let ahead = next.map(|(examples, ranges)| scope.spawn(move || read_shards(*train, examples, &ranges)));
                let computed = shards.gradients(model, &all, |tape, net, &i| {
                    let shard = &read[i - first];
                    batch_loss::<T, M, X, Y, _>(tape, net, shard, &*loss, mode.fold_in(i)) * (counts[i] / count)
                });
                (computed, ahead.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))))
            })
        });
        self.ahead = ahead.map(|read| (batch + 1, read));
        BatchGradients { loss, gradients, weight: count }
    }

    fn metrics(&self) -> Vec<String> {
        self.valid.iter().map(|_| VAL_LOSS.to_owned()).collect()
    }

    #[track_caller]
    fn evaluate(&mut self, model: &M) -> Vec<f64> {
        let hint = format_args!("in the validation examples, with the loss given to OnDemand at {}", self.loss_at);
        let measure = |valid| Predictions::of_ranks(model, valid, self.ranks.as_ref()).loss(&self.loss);
        self.valid.iter().map(|valid| at_callers_line_with(hint, || measure(valid))).collect()
    }

    fn settings(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("batch size", self.batch_size as u64),
            ("number of training examples", self.train.len() as u64),
            ("number of validation examples", self.valid.map_or(0, Dataset::len) as u64),
            ("order of examples", u64::from(!self.shuffle)),
        ]
    }
}
