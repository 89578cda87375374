//! Truncated backpropagation through time on several threads.

use super::BpttBatch;
use crate::mode::Mode;
use crate::train::shards::{Shards, shard_examples};
use std::sync::OnceLock;
use unspool_autograd::{Indices, Params, Scalar, Tape, Tensor, Var};

/// Truncated backpropagation through time over [`bptt_batches`](super::bptt_batches). The sequences
/// of a batch are cut into shards, which are computed in parallel, as by [`Shards`]. Each shard
/// carries its state from batch to batch as tensors, so no gradient flows beyond a batch.
///
/// Williams and Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent
/// network trajectories".
///
/// Any model will do. `S` is the type of its states when
/// [detached](crate::recurrent::State::detach).
///
/// ```
/// use unspool_nn::text::{LanguageModel, TruncatedBptt, bptt_batches};
/// use unspool_nn::{Mode, rng};
/// use unspool_nn::cells::Lstm;
/// use unspool_nn::losses::CrossEntropy;
/// use unspool_nn::optim::{Adam, Optimizer};
/// use unspool_nn::recurrent::State;
/// use unspool_autograd::Tensor;
/// let tokens: Vec<usize> = (0..500).map(|i| i * i % 7).collect();
/// let mut model = LanguageModel::<Tensor>::new(&mut rng(0), 7, 4, [16], Lstm::new);
/// let (mut adam, mut bptt) = (Adam::default().learning_rate(1e-2).clip_norm(1.0), TruncatedBptt::new());
/// let before = model.cross_entropy(&tokens, 1)?;
/// for epoch in 0..5 {
///     bptt.restart();
///     for (i, batch) in bptt_batches(&tokens, 4, 10)?.enumerate() {
///         let mode = Mode::Training { seed: epoch }.fold_in(i);
///         let (loss, gradients) = bptt.gradients(&model, &batch, mode, |_, net, shard| {
///             let (scores, state) = net.run(&shard.inputs, shard.carried, shard.mode);
///             (CrossEntropy::default().classes(scores, &shard.targets), state.detach())
///         });
///         adam.step(&mut model, &gradients);
///     }
/// }
/// assert!(model.cross_entropy(&tokens, 1)? < 0.8 * before);
/// # Ok::<(), unspool_nn::data::DataError>(())
/// ```
pub struct TruncatedBptt<S, T: Scalar = f32> {
    shards: Shards<T>,
    /// The size of the previous batch; 0 at the start.
    batch_size: usize,
    /// The state of each shard after it.
    states: Vec<S>,
}

/// Some sequences of a batch: what [`TruncatedBptt::gradients`] computes on one tape.
#[derive(Clone, Debug)]
pub struct BpttShard<'a, S> {
    /// The input tokens, `[T, B]` with the `B` of this shard.
    pub inputs: Indices,
    /// The token after each of the inputs, `[T, B]`.
    pub targets: Indices,
    /// The state of these sequences after the previous batch; `None` at the start.
    pub carried: Option<&'a S>,
    /// The mode of the batch; in training, each shard has its own seed.
    pub mode: Mode,
}

impl<S, T: Scalar> Default for TruncatedBptt<S, T> {
    fn default() -> Self {
        TruncatedBptt { shards: Shards::new(), batch_size: 0, states: Vec::new() }
    }
}

impl<S, T: Scalar> TruncatedBptt<S, T> {
    /// Starts without a carried state.
    pub fn new() -> Self {
        Self::default()
    }

    /// Drops the carried states: the next batch is the first of its text, as at the start of an
    /// epoch. A training that is saved between two epochs therefore has no state to save.
    pub fn restart(&mut self) {
        self.batch_size = 0;
        self.states.clear();
    }

    /// The mean loss of a batch, and its gradients. For each shard, `loss` returns the mean loss
    /// over its tokens and the state to carry to the next batch.
    ///
    /// Shards have about 32 sequences, and there are at most 16. The cut depends only on the batch
    /// size, and the results are added in order: they are the same to the bit for any number of
    /// threads. As with [`Shards::gradients`], `loss` must not hold a lock while it computes.
    ///
    /// # Panics
    /// If the batch is not `[T, B]` with at least one sequence, or has another batch size than the
    /// previous one, or where `loss` panics.
    #[track_caller]
    pub fn gradients<M>(
        &mut self,
        model: &M,
        batch: &BpttBatch,
        mode: Mode,
        loss: impl for<'t> Fn(&'t Tape<T>, &M::With<Var<'t, T>>, &BpttShard<'_, S>) -> (Var<'t, T>, S) + Sync,
    ) -> (f64, M)
    where
        M: Params<Tensor<T>> + Send + Sync,
        S: Send + Sync,
    {
        let shape = batch.inputs.shape();
        assert!(
            shape.rank() == 2 && shape[1] > 0 && batch.targets.shape() == shape,
            "TruncatedBptt: inputs {shape} and targets {} must both be [T, B] with at least one sequence",
            batch.targets.shape()
        );
        let (batch_size, before) = (shape[1], self.batch_size);
        assert!(
            before == 0 || batch_size == before,
            "TruncatedBptt: a batch size of {batch_size} after one of {before}, without a restart"
        );
        // The same cut for each batch, so a shard's state is that of its own sequences.
        let shard_size = shard_examples(batch_size);
        let shards: Vec<(BpttShard<'_, S>, f64, OnceLock<S>)> = (0..batch_size)
            .step_by(shard_size)
            .enumerate()
            .map(|(i, start)| {
                let end = batch_size.min(start + shard_size);
                let [inputs, targets] = [&batch.inputs, &batch.targets].map(|tokens| sequences(tokens, start, end));
                let shard = BpttShard { inputs, targets, carried: self.states.get(i), mode: mode.fold_in(i) };
                (shard, (end - start) as f64 / batch_size as f64, OnceLock::new())
            })
            .collect();
        let result = self.shards.gradients(model, &shards, |tape, net, (shard, weight, next)| {
            let (loss, state) = loss(tape, net, shard);
            let _ = next.set(state); // cannot fail: each shard is computed once
            loss * *weight
        });
        let states =
            shards.into_iter().map(|(_, _, next)| next.into_inner().expect("each shard was computed")).collect();
        (self.batch_size, self.states) = (batch_size, states);
        result
    }
}

/// The sequences `start..end` of tokens `[T, B]`.
fn sequences(tokens: &Indices, start: usize, end: usize) -> Indices {
    let [time, batch_size] = [tokens.shape()[0], tokens.shape()[1]];
    let cut = tokens.as_slice().chunks_exact(batch_size).flat_map(|step| &step[start..end]).copied().collect();
    Indices::from_vec(cut, [time, end - start])
}
