//! Truncated backpropagation through time.

use super::bad_batch::{at_loss, bad_example, explain};
use super::batch_loss::loss_scope;
use super::carried::{attached, run};
use super::error::FitError;
use super::not_finite::is_bad;
use super::sequences::Sequences;
use super::task::{BatchGradients, ExampleSet, Task};
use super::training_loop::VAL_LOSS;
use crate::data::error::DataError;
use crate::data::examples::{Examples, OnTape};
use crate::losses::cross_entropy::sparse_cross_entropy;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use crate::optim::state_dict::{StateDict, StateDictError};
use crate::recurrent::sequence_layer::SequenceLayer;
use crate::recurrent::state::State;
use crate::train::on_threads::map_on_threads;
use crate::train::shards::Shards;
use crate::train::world::Ranks;
use crate::train::world::agreement::Hash;
use std::fmt;
use std::ops::Range;
use std::panic::Location;
use unspool_autograd::at_callers_line::at_callers_line_with;
use unspool_autograd::{BadValue, Cause, Indices, Params, Scalar, Tape, Tensor, Var};

/// Long sequences that a model learns window by window: the gradient stays within a window, the
/// state is carried from each window to the next, and starts from zero in every epoch.
///
/// The model is any [`SequenceLayer`], such as a [`LanguageModel`](crate::text::LanguageModel) or a
/// [`Stack`](crate::recurrent::Stack). Inputs and targets are sequences side by side: tensors
/// `[L, B, F]` or indices `[L, B]`. The B sequences are cut into [shards](Shards::ranges), which run
/// on several threads. It is a [`Task`]: [`fit`](crate::train::fit()) trains on it, and so can a
/// loop of your own.
///
/// Williams and Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent
/// network trajectories".
///
/// ```
/// use unspool::text::LanguageModel;
/// use unspool::train::TruncatedBptt;
/// use unspool::{Gru, Tensor, fit, rng};
/// let tokens: Vec<usize> = (0..2000).map(|i| i * i % 7).collect(); // a text of 7 characters
/// let mut model: LanguageModel<Tensor, Gru<Tensor>> = LanguageModel::new(&mut rng(0), 7, 8, [16], Gru::new);
/// let mut task = TruncatedBptt::tokens(&tokens[..1800], 4, 25)?.validate_tokens(&tokens[1800..], 4)?;
/// let history = fit(&mut model, &mut task).epochs(5).quiet().run()?;
/// assert!(history.val_loss[4] < history.val_loss[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A series of numbers, and a custom loop over the task:
///
/// ```
/// use unspool::prelude::*;
/// use unspool::train::{Task, TruncatedBptt};
/// let wave = Tensor::<f32>::from_fn([401, 4, 1], |i| (i as f32 / 9.0).sin() / 2.0); // [L, B, F]
/// let mut task = TruncatedBptt::new(wave.slice(0, ..400), wave.slice(0, 1..), 50)?.loss(mse);
/// let mut model = Recurrent::new(Lstm::<Tensor>::new(&mut rng(0), 1, 1));
/// let mut adam = Adam::default();
/// for epoch in 0..2 {
///     for window in 0..task.restart() {
///         let mode = Mode::Training { seed: epoch }.fold_in(window);
///         let batch = task.gradients(&model, window, mode);
///         adam.step(&mut model, &batch.gradients);
///     }
/// }
/// # Ok::<(), unspool::data::DataError>(())
/// ```
pub struct TruncatedBptt<X, Y, L, D, T: Scalar = f32> {
    train: Sequences<X, Y>,
    valid: Option<Sequences<X, Y>>,
    /// Time steps per window.
    steps: usize,
    /// After so many windows, the state starts from zero.
    restart_every: usize,
    loss: L,
    /// The line that set the loss.
    loss_at: &'static Location<'static>,
    shards: Shards<T>,
    /// Those that evaluate together.
    ranks: Option<Ranks<T>>,
    /// The state of each of this rank's shards after the last window, and before it.
    carried: Vec<D>,
    before: Vec<D>,
}

impl<X, Y, L, D, T: Scalar> fmt::Debug for TruncatedBptt<X, Y, L, D, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TruncatedBptt")
            .field("sequences", &self.train.count)
            .field("length", &self.train.length)
            .field("steps", &self.steps)
            .field("restart_every", &self.restart_every)
            .finish_non_exhaustive()
    }
}

/// The loss of scores for the next token.
///
/// ```
/// use unspool::losses::sparse_cross_entropy;
/// use unspool::train::NextToken;
/// let loss: NextToken<f32> = sparse_cross_entropy; // of `TruncatedBptt::tokens`
/// ```
pub type NextToken<T> = for<'t> fn(Var<'t, T>, Indices) -> Var<'t, T>;

impl<D, T: Scalar> TruncatedBptt<Indices, Indices, NextToken<T>, D, T> {
    /// A text of tokens, as `batch_size` sequences side by side: each token is predicted from those
    /// before it, in windows of `steps` time steps. The loss is the cross-entropy, unless
    /// [another](TruncatedBptt::loss) is set.
    ///
    /// # Errors
    /// If the text is too short.
    ///
    /// # Panics
    /// If `batch_size` or `steps` is 0.
    #[track_caller]
    pub fn tokens(tokens: &[usize], batch_size: usize, steps: usize) -> Result<Self, DataError> {
        let Sequences { x, y, .. } = Sequences::of_tokens(tokens, batch_size)?;
        Ok(TruncatedBptt::new(x, y, steps)?.loss(sparse_cross_entropy))
    }
}

impl<L, D, T: Scalar> TruncatedBptt<Indices, Indices, L, D, T> {
    /// Computes the loss on another text after each epoch, as `batch_size` sequences side by side.
    ///
    /// # Errors
    /// If the text is too short.
    ///
    /// # Panics
    /// If `batch_size` is 0.
    #[track_caller]
    pub fn validate_tokens(self, tokens: &[usize], batch_size: usize) -> Result<Self, DataError> {
        Ok(TruncatedBptt { valid: Some(Sequences::of_tokens(tokens, batch_size)?), ..self })
    }
}

impl<X: Examples, Y: OnTape<T>, D, T: Scalar> TruncatedBptt<X, Y, (), D, T> {
    /// Input sequences and the targets of their time steps, in windows of `steps` time steps. Set
    /// the [`loss`](TruncatedBptt::loss) next.
    ///
    /// # Errors
    /// If they are not sequences, or not as many of the same length.
    ///
    /// # Panics
    /// If `steps` is 0.
    #[track_caller]
    pub fn new(x: X, y: Y, steps: usize) -> Result<Self, DataError> {
        ensure!(steps > 0, "TruncatedBptt: windows of 0 steps: they must have at least 1");
        let train = Sequences::new(x, y)?;
        let (loss_at, shards, restart_every) = (Location::caller(), Shards::new(), usize::MAX);
        let [carried, before] = [(); 2].map(|()| Vec::new());
        let (ranks, valid) = (None, None);
        Ok(TruncatedBptt { train, valid, steps, restart_every, loss: (), loss_at, shards, ranks, carried, before })
    }
}

impl<X: Examples, Y: OnTape<T>, L, D, T: Scalar> TruncatedBptt<X, Y, L, D, T> {
    /// Sets the loss of the outputs of a window and its targets.
    #[track_caller]
    pub fn loss<N: Loss<T, Y>>(self, loss: N) -> TruncatedBptt<X, Y, N, D, T> {
        let loss_at = Location::caller();
        let TruncatedBptt { train, valid, steps, restart_every, shards, ranks, carried, before, .. } = self;
        TruncatedBptt { train, valid, steps, restart_every, loss, loss_at, shards, ranks, carried, before }
    }

    /// Computes the loss on these sequences after each epoch; the state is carried through all of
    /// them.
    ///
    /// # Errors
    /// As those of [`new`](TruncatedBptt::new).
    pub fn validate(self, x: X, y: Y) -> Result<Self, DataError> {
        Ok(TruncatedBptt { valid: Some(Sequences::new(x, y)?), ..self })
    }

    /// Starts from the zero state after every `windows` windows, as a model does when it is used: one
    /// that has met this state only once in an epoch may not know what to do.
    ///
    /// # Panics
    /// If `windows` is 0.
    #[track_caller]
    pub fn restart_every(self, windows: usize) -> Self {
        ensure!(windows > 0, "restart_every: 0 windows: it must be at least 1");
        TruncatedBptt { restart_every: windows, ..self }
    }

    /// Drops the carried states, as at the start of an epoch. Returns the number of windows.
    pub fn restart(&mut self) -> usize {
        self.carried.clear();
        self.train.length.div_ceil(self.steps)
    }
}

impl<T, M, X, Y, L, D> Task<T, M> for TruncatedBptt<X, Y, L, D, T>
where
    T: Scalar,
    M: Params<Tensor<T>> + Send + Sync,
    X: OnTape<T>,
    Y: OnTape<T>,
    L: Loss<T, Y>,
    D: Send + Sync,
    for<'t> M::With<Var<'t, T>>: SequenceLayer<'t, T, X::Bound<'t>, State: State<'t, T, Detached = D>>,
{
    fn set_ranks(&mut self, ranks: &Ranks<T>) {
        let before = self.own();
        self.shards.set_ranks(ranks);
        self.ranks = Some(ranks.clone());
        if self.own() != before {
            self.carried.clear(); // they are of other shards
        }
    }

    #[track_caller]
    fn prepare(&mut self, model: &M) -> Result<(), FitError> {
        // A misfit panics here, with the caller's line, and not somewhere in the thread pool.
        for set in [Some(&self.train), self.valid.as_ref()].into_iter().flatten() {
            let (tape, part) = (Tape::new(), set.cut(0..1, 0..1));
            let (output, _) = run::<T, M, X, Y, D>(&tape, &tape.bind_frozen(model), &part, None, Mode::Evaluation);
            let hint = format_args!("in the loss given to TruncatedBptt at {}", self.loss_at);
            at_callers_line_with(hint, || (self.loss)(output, part.targets(&tape)).item());
        }
        Ok(())
    }

    fn begin_epoch(&mut self, _: u64) -> usize {
        self.restart()
    }

    #[track_caller]
    fn gradients(&mut self, model: &M, window: usize, mode: Mode) -> BatchGradients<M> {
        if window.is_multiple_of(self.restart_every) {
            self.carried.clear();
        }
        let (steps, count) = (self.train.window(window, self.steps), self.train.count);
        let shards: Vec<_> = Shards::<T>::ranges(count).enumerate().collect();
        let first = self.shards.own(shards.len()).start;
        // What the first step has not shown, such as a token that is out of range.
        let hint = format_args!(
            "in window {} of an epoch, with the loss given to TruncatedBptt at {}",
            window + 1,
            self.loss_at
        );
        let (loss, gradients, states) = at_callers_line_with(hint, || {
            self.shards.gradients_with_aux(model, &shards, |tape, net, (i, range)| {
                let part = self.train.cut(steps.clone(), range.clone());
                let (output, state) =
                    run::<T, M, X, Y, D>(tape, net, &part, self.carried.get(i - first), mode.fold_in(*i));
                let weight = range.len() as f64 / count as f64;
                let _scope = loss_scope(tape);
                ((self.loss)(output, part.targets(tape)) * weight, state)
            })
        });
        self.before = std::mem::replace(&mut self.carried, states);
        BatchGradients { loss, gradients, weight: (steps.len() * count) as f64 }
    }

    fn metrics(&self) -> Vec<String> {
        self.valid.iter().map(|_| VAL_LOSS.to_owned()).collect()
    }

    #[track_caller]
    fn evaluate(&mut self, model: &M) -> Vec<f64> {
        let Some(valid) = &self.valid else { return Vec::new() };
        let hint =
            format_args!("in the validation sequences, with the loss given to TruncatedBptt at {}", self.loss_at);
        let loss = at_callers_line_with(hint, || self.mean_loss(model, valid));
        vec![loss]
    }

    fn check_data(&self, model: &M, set: ExampleSet, limit: usize) -> Result<(), FitError> {
        let (name, of) = match set {
            ExampleSet::Training => ("training", Some(&self.train)),
            ExampleSet::Validation => ("validation", self.valid.as_ref()),
        };
        let loss = &self.loss;
        // Its window is tried alone: what the loss handles is not blamed.
        of.map_or(Ok(()), |of| {
            of.check(name, self.steps, limit, |part| {
                is_bad(Shards::new().gradients(model, &[()], |tape, net, ()| {
                    let (output, _) = run::<T, M, X, Y, D>(tape, net, part, None, Mode::Evaluation);
                    loss(output, part.targets(tape))
                }))
            })
        })
    }

    fn bad_value(&mut self, model: &M, window: usize, mode: Mode) -> Option<BadValue> {
        std::mem::swap(&mut self.carried, &mut self.before);
        let mut bad = explain(|| self.gradients(model, window, mode))?;
        if bad.cause != Cause::Variable {
            let steps = self.train.window(window, self.steps);
            let own = self.own();
            bad.example = bad_example(self.train.count, |i| {
                let part = self.train.cut(steps.clone(), i..i + 1);
                let mut shards = Shards::<T>::ranges(self.train.count).enumerate();
                let (shard, range) = shards.find(|(_, range)| range.contains(&i)).expect("in one of them");
                // The states of the others are on other ranks.
                own.contains(&shard)
                    && is_bad(Shards::new().gradients(model, &[()], |tape, net, ()| {
                        let state = self.before.get(shard - own.start).map(|state| {
                            let row = i - range.start;
                            attached::<T, M, X, D>(tape, state).map(&mut |var| var.slice(0, row..row + 1)).detached()
                        });
                        let (output, _) = run::<T, M, X, Y, D>(tape, net, &part, state.as_ref(), mode);
                        (self.loss)(output, part.targets(tape))
                    }))
            });
        }
        Some(at_loss(bad, self.loss_at))
    }

    fn settings(&self) -> Vec<(&'static str, u64)> {
        let valid = self.valid.as_ref().map_or(0, |valid| valid.length * valid.count);
        vec![
            ("number of sequences", self.train.count as u64),
            ("number of time steps", self.train.length as u64),
            ("number of time steps per window", self.steps as u64),
            ("number of windows to a restart", self.restart_every as u64),
            ("number of validation time steps", valid as u64),
        ]
    }

    fn examples_hash(&self) -> u64 {
        let sets = [Some(&self.train), self.valid.as_ref()].into_iter().flatten();
        sets.fold(Hash::default(), |hash, set| set.y.hash(set.x.hash(hash))).value()
    }

    fn state_dict(&self, _: &M) -> StateDict<T> {
        let mut state = StateDict::new();
        for (i, carried) in self.own().zip(&self.carried) {
            let tape = Tape::new();
            let mut n = 0;
            attached::<T, M, X, D>(&tape, carried).visit(&mut |var| {
                state.tensors.insert(format!("states.{i}.{n}"), var.value());
                n += 1;
            });
        }
        state
    }

    fn load_state_dict(&mut self, model: &M, state: &StateDict<T>) -> Result<(), StateDictError> {
        let mut reader = state.reader();
        let mut carried = Vec::new();
        for (i, range) in Shards::<T>::ranges(self.train.count).enumerate() {
            // One step of the model shows what its states look like.
            let tape = Tape::new();
            let part = self.train.cut(0..1, range);
            let (_, like) = run::<T, M, X, Y, D>(&tape, &tape.bind_frozen(model), &part, None, Mode::Evaluation);
            let mut n = 0;
            let saved = attached::<T, M, X, D>(&tape, &like).map(&mut |var| {
                let saved = reader.tensor(&format!("states.{i}.{n}"), var.shape());
                n += 1;
                saved.map_or(var, |saved| tape.constant(&saved))
            });
            carried.push(saved.detached());
        }
        reader.finish()?;
        self.carried = carried.drain(self.own()).collect();
        Ok(())
    }
}

impl<X: OnTape<T>, Y: OnTape<T>, L, D, T: Scalar> TruncatedBptt<X, Y, L, D, T> {
    /// The shards of the training sequences that this rank computes.
    fn own(&self) -> Range<usize> {
        self.shards.own(Shards::<T>::ranges(self.train.count).len())
    }

    /// The mean loss over all time steps of sequences, with the state carried from window to window.
    fn mean_loss<M>(&self, model: &M, of: &Sequences<X, Y>) -> f64
    where
        M: Params<Tensor<T>> + Sync,
        L: Loss<T, Y>,
        D: Send + Sync,
        for<'t> M::With<Var<'t, T>>: SequenceLayer<'t, T, X::Bound<'t>, State: State<'t, T, Detached = D>>,
    {
        let shards: Vec<Range<usize>> = Shards::<T>::ranges(of.count).collect();
        let own = self.shards.own(shards.len());
        let (loss, window_steps) = (&self.loss, self.steps);
        // Collected first and added in order: the same bits at any number of threads.
        let mut sums = map_on_threads(own.len(), |i| {
            let range = &shards[own.start + i];
            let (mut tape, mut carried, mut sum) = (Tape::new(), None, 0.0);
            for window in 0..of.length.div_ceil(window_steps) {
                let steps = of.window(window, window_steps);
                let part = of.cut(steps.clone(), range.clone());
                {
                    let net = tape.bind_frozen(model);
                    let (output, state) = run::<T, M, X, Y, D>(&tape, &net, &part, carried.as_ref(), Mode::Evaluation);
                    sum += loss(output, part.targets(&tape)).item().to_f64() * (steps.len() * range.len()) as f64;
                    carried = Some(state);
                }
                tape.reset();
            }
            sum
        });
        if let Some(ranks) = &self.ranks {
            sums = ranks.all_numbers(shards.len(), sums);
        }
        sums.into_iter().sum::<f64>() / (of.length * of.count) as f64
    }
}
