//! What `fit` trains on.

use super::error::FitError;
use crate::data::dataset::Dataset;
use crate::data::examples::{Examples, OnTape};
use crate::mode::Mode;
use crate::optim::state_dict::{StateDict, StateDictError};
use crate::train::bad_batch::explain;
use crate::train::supervised::{NoLoss, Supervised};
use crate::train::world::Ranks;
use unspool_autograd::{BadValue, Params, ParamsExt, Scalar, Tensor};

/// What [`fit`](crate::train::fit()) needs of a task: batches and their gradients. Epochs,
/// optimizers, accumulation, callbacks, history, checkpoints and interruption are `fit`'s, whatever
/// the task.
///
/// A [`Dataset`] with a loss is a task, a stream of tokens is one
/// ([`TruncatedBptt`](crate::train::TruncatedBptt)), and so are [two
/// closures](crate::train::from_fn). One of your own, here pairs of sequences that shall be encoded
/// alike, and unlike those of other pairs (van den Oord et al. 2018, "Representation learning with
/// contrastive predictive coding", equation 4):
///
/// ```
/// use unspool::data::permutation;
/// use unspool::prelude::*;
/// use unspool::train::{BatchGradients, Task};
///
/// type Encoder = Recurrent<Gru<Tensor>>;
///
/// struct Contrastive { a: Tensor, b: Tensor, order: Vec<usize>, shards: Shards }
///
/// impl Task<f32, Encoder> for Contrastive {
///     fn begin_epoch(&mut self, seed: u64) -> usize {
///         self.order = permutation(64, seed);
///         4 // batches of 16 pairs
///     }
///
///     fn gradients(&mut self, model: &Encoder, batch: usize, _: Mode) -> BatchGradients<Encoder> {
///         let pairs = &self.order[16 * batch..16 * (batch + 1)];
///         let [a, b] = [&self.a, &self.b].map(|x| x.index_select(1, pairs));
///         let gradients = self.shards.gradients(model, &[()], |tape, net, ()| {
///             let [a, b] = [&a, &b].map(|x| net.forward(tape.constant(x)).last());
///             CrossEntropy::default().classes(a.matmul(b.t()), (0..16).collect::<Vec<_>>())
///         });
///         gradients.into()
///     }
/// }
///
/// let a = Tensor::from_fn([5, 64, 1], |i| (i as f32 * 0.7).sin());
/// let b = a.map(|x| x * 0.9);
/// let mut task = Contrastive { a, b, order: Vec::new(), shards: Shards::new() };
/// let mut model: Encoder = Recurrent::new(Gru::new(&mut rng(0), 1, 8));
/// let history = fit(&mut model, &mut task).epochs(5).quiet().run()?;
/// assert!(history.loss[4] < history.loss[0]);
/// # Ok::<(), unspool::train::FitError>(())
/// ```
///
/// What must be true for a training to be resumed to the bit: what `begin_epoch` and `gradients` do
/// depends on their arguments, on what is in [`state_dict`](Task::state_dict), and on nothing else.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a task for `fit`",
    note = "pass a data set as `&data` and set its `.loss(..)`; a task of your own implements `Task`"
)]
pub trait Task<T: Scalar, M> {
    /// Begins an epoch: puts its batches in order, as the seed determines, and drops what was carried
    /// from batch to batch in the epoch before. Returns the number of batches.
    fn begin_epoch(&mut self, seed: u64) -> usize;

    /// Called before the [`gradients`](Task::gradients) of a batch: to read what they need, if that can fail.
    ///
    /// # Errors
    /// If it cannot be read: [`FitError::Read`].
    fn fetch(&mut self, batch: usize) -> Result<(), FitError> {
        let _ = batch;
        Ok(())
    }

    /// The gradients of batch number `batch` of the epoch. `fit` requests each once and in order, unless
    /// [`bad_value`](Task::bad_value) requests the last one again.
    fn gradients(&mut self, model: &M, batch: usize, mode: Mode) -> BatchGradients<M>;

    /// Called after each step of the optimizer: to update the model's buffers, for example with what
    /// [`gradients`](Task::gradients) has seen.
    fn after_step(&mut self, model: &mut M) {
        let _ = model;
    }

    /// The names of what [`evaluate`](Task::evaluate) measures, which become curves of the
    /// [`History`](crate::train::History). `"val_loss"` is the loss that schedules and early
    /// stopping watch.
    fn metrics(&self) -> Vec<String> {
        Vec::new()
    }

    /// Evaluates the model after an epoch: a value for each of the [`metrics`](Task::metrics).
    fn evaluate(&mut self, model: &M) -> Vec<f64> {
        let _ = model;
        Vec::new()
    }

    /// Called before anything else with the ranks of the [world](crate::train::Fit::world) that trains, and after
    /// training with this process as the only one. A task that hands them to its [`Shards`](crate::train::Shards)
    /// shares its work with the other ranks; one that does not computes all of it on every rank, with the same result.
    fn set_ranks(&mut self, ranks: &Ranks<T>) {
        let _ = ranks;
    }

    /// Called before training: to report mistakes before time is spent.
    ///
    /// # Errors
    /// If there is nothing to train on, for example.
    ///
    /// # Panics
    /// If the task does not fit the model.
    fn prepare(&mut self, model: &M) -> Result<(), FitError> {
        let _ = model;
        Ok(())
    }

    /// Looks for a number that is not finite in the examples and makes the loss or a gradient not
    /// finite: before training among the first `limit` suspects, and among all of them when that
    /// has happened.
    ///
    /// # Errors
    /// [`FitError::Data`], without a history, if there is one.
    fn check_data(&self, model: &M, set: ExampleSet, limit: usize) -> Result<(), FitError> {
        let _ = (model, set, limit);
        Ok(())
    }

    /// Where the first number that is not finite comes from, in the batch that was requested last: `fit` calls
    /// this before it ends with an error because the loss or a gradient of this batch is not finite.
    ///
    /// By default, the [`gradients`](Task::gradients) of the batch are computed once more, and each
    /// [`Shards`](crate::train::Shards) in it uses tapes that [keep all](unspool_autograd::Tape::keep_all) values:
    /// `None` if these are more than 2 GiB, or that panics. A task that carries something from batch to batch goes
    /// back first.
    fn bad_value(&mut self, model: &M, batch: usize, mode: Mode) -> Option<BadValue> {
        explain(|| self.gradients(model, batch, mode))
    }

    /// The same for the validation loss; `None` by default.
    fn bad_validation_value(&mut self, model: &M) -> Option<BadValue> {
        let _ = model;
        None
    }

    /// Settings by name that a training must share with the one it resumes.
    fn settings(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// A hash of the examples, which ranks compare before they train together; the same for all by default.
    fn examples_hash(&self) -> u64 {
        0
    }

    /// What is carried over from batch to batch within an epoch, to be saved in checkpoints. On several ranks each
    /// returns what it carries, and the names tell whose part is whose; all of it is loaded on each.
    fn state_dict(&self, model: &M) -> StateDict<T> {
        let _ = model;
        StateDict::new()
    }

    /// Continues within an epoch that [was begun](Task::begin_epoch); on an error nothing changes.
    ///
    /// # Errors
    /// If the state does not come from such a task.
    fn load_state_dict(&mut self, model: &M, state: &StateDict<T>) -> Result<(), StateDictError> {
        let _ = model;
        state.reader().finish()
    }
}

/// The loss of a batch, and its gradients.
///
/// ```
/// use unspool::train::BatchGradients;
/// use unspool::{Dense, Tensor, rng};
/// let gradients: Dense<Tensor> = Dense::new(&mut rng(0), 3, 1);
/// assert_eq!(BatchGradients::from((0.5, gradients)).weight, 1.0);
/// ```
#[derive(Clone, Debug)]
pub struct BatchGradients<M> {
    /// The loss, a mean.
    pub loss: f64,
    /// The gradients of the loss.
    pub gradients: M,
    /// The weight of the batch in means over several batches, greater than 0: the number of its
    /// examples, or of its time steps.
    pub weight: f64,
}

impl<M> BatchGradients<M> {
    /// Becomes the mean over these batches and another one.
    pub(super) fn average<T: Scalar>(&mut self, other: &Self)
    where
        M: Params<Tensor<T>>,
    {
        self.weight += other.weight;
        let share = other.weight / self.weight;
        self.loss += (other.loss - self.loss) * share;
        let share = T::from_f64(share);
        for (mean, gradient) in self.gradients.leaves_mut().into_iter().zip(other.gradients.leaves()) {
            mean.update(
                gradient,
                #[inline(always)]
                |mean, gradient| mean + (gradient - mean) * share,
            );
        }
    }
}

/// The loss and its gradients, as [`Shards::gradients`](crate::train::Shards::gradients) returns
/// them; all batches have the same weight.
impl<M> From<(f64, M)> for BatchGradients<M> {
    fn from((loss, gradients): (f64, M)) -> Self {
        BatchGradients { loss, gradients, weight: 1.0 }
    }
}

/// Training or validation examples.
///
/// ```
/// use unspool::train::ExampleSet;
/// let name = |set| match set {
///     ExampleSet::Training => "training",
///     ExampleSet::Validation => "validation",
/// };
/// assert_eq!(name(ExampleSet::Validation), "validation");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExampleSet {
    /// The examples that gradients come from.
    Training,
    /// The examples that the validation loss is measured on.
    Validation,
}

/// What [`fit`](crate::train::fit()) takes beside the model: a `&Dataset`, whose loss is set
/// next, or `&mut` any [`Task`].
///
/// ```
/// use unspool::prelude::*;
/// use unspool::train::TruncatedBptt;
/// let data = Dataset::new(Tensor::<f32>::ones([10, 8, 1]), Tensor::zeros([8, 1]))?;
/// let wave = Tensor::<f32>::from_fn([101, 1, 1], |i| (i as f32 / 9.0).sin() / 2.0);
/// let mut task = TruncatedBptt::new(wave.slice(0, ..100), wave.slice(0, 1..), 25)?.loss(mse);
/// let mut model = Recurrent::new(Lstm::<Tensor>::new(&mut rng(0), 1, 1));
/// fit(&mut model, &data).loss(mse).quiet().run()?;
/// fit(&mut model, &mut task).quiet().run()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`fit` cannot train on `{Self}`",
    note = "pass a data set as `&data`, or a task of your own as `&mut task`"
)]
pub trait IntoTask<T: Scalar> {
    /// The task that is trained on.
    type Task;

    /// The task.
    fn into_task(self) -> Self::Task;
}

impl<'a, T: Scalar, X: Examples, Y: OnTape<T>> IntoTask<T> for &'a Dataset<X, Y> {
    type Task = Supervised<'a, T, X, Y, NoLoss>;

    #[track_caller]
    fn into_task(self) -> Self::Task {
        Supervised::new(self)
    }
}

impl<'a, T: Scalar, K> IntoTask<T> for &'a mut K {
    type Task = &'a mut K;

    fn into_task(self) -> &'a mut K {
        self
    }
}

impl<T: Scalar, M, K: Task<T, M>> Task<T, M> for &mut K {
    fn begin_epoch(&mut self, seed: u64) -> usize {
        (**self).begin_epoch(seed)
    }
    fn fetch(&mut self, batch: usize) -> Result<(), FitError> {
        (**self).fetch(batch)
    }
    #[track_caller]
    fn gradients(&mut self, model: &M, batch: usize, mode: Mode) -> BatchGradients<M> {
        (**self).gradients(model, batch, mode)
    }
    fn after_step(&mut self, model: &mut M) {
        (**self).after_step(model);
    }
    fn metrics(&self) -> Vec<String> {
        (**self).metrics()
    }
    fn evaluate(&mut self, model: &M) -> Vec<f64> {
        (**self).evaluate(model)
    }
    fn set_ranks(&mut self, ranks: &Ranks<T>) {
        (**self).set_ranks(ranks);
    }
    #[track_caller]
    fn prepare(&mut self, model: &M) -> Result<(), FitError> {
        (**self).prepare(model)
    }
    fn check_data(&self, model: &M, set: ExampleSet, limit: usize) -> Result<(), FitError> {
        (**self).check_data(model, set, limit)
    }
    fn bad_value(&mut self, model: &M, batch: usize, mode: Mode) -> Option<BadValue> {
        (**self).bad_value(model, batch, mode)
    }
    fn bad_validation_value(&mut self, model: &M) -> Option<BadValue> {
        (**self).bad_validation_value(model)
    }
    fn settings(&self) -> Vec<(&'static str, u64)> {
        (**self).settings()
    }
    fn examples_hash(&self) -> u64 {
        (**self).examples_hash()
    }
    fn state_dict(&self, model: &M) -> StateDict<T> {
        (**self).state_dict(model)
    }
    fn load_state_dict(&mut self, model: &M, state: &StateDict<T>) -> Result<(), StateDictError> {
        (**self).load_state_dict(model, state)
    }
}
