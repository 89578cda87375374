//! Truncated backpropagation through time on several threads.

use super::BpttBatch;
use crate::mode::Mode;
use crate::train::shards::{Shards, part_rows};
use std::sync::OnceLock;
use unspool_autograd::{Indices, Params, Scalar, Tape, Tensor, Var};

/// Truncated backpropagation through time over the chunks of [`bptt_batches`](super::bptt_batches), whose rows are computed in
/// parts, at the same time as far as there are threads: [`Shards`] with a state for each part, which is carried from chunk to
/// chunk as tensors, so that no gradient goes back beyond a chunk.
///
/// Williams and Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent network trajectories".
///
/// The model is any, and so is `S`, what its states are when [detached](crate::recurrent::State::detach).
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
///     for (i, chunk) in bptt_batches(&tokens, 4, 10)?.enumerate() {
///         let mode = Mode::Training { seed: epoch }.fold_in(i);
///         let (loss, gradients) = bptt.gradients(&model, &chunk, mode, |_, net, part| {
///             let (scores, state) = net.run(&part.inputs, part.carried, part.mode);
///             (CrossEntropy::default().classes(scores, &part.targets), state.detach())
///         });
///         adam.step(&mut model, &gradients);
///     }
/// }
/// assert!(model.cross_entropy(&tokens, 1)? < 0.8 * before);
/// # Ok::<(), unspool_nn::data::DataError>(())
/// ```
pub struct TruncatedBptt<S, T: Scalar = f32> {
    shards: Shards<T>,
    /// The rows of the chunk before, if there was one.
    rows: usize,
    /// After it, that of each part.
    states: Vec<S>,
}

/// Some rows of a chunk: what [`TruncatedBptt::gradients`] computes at once.
#[derive(Clone, Debug)]
pub struct BpttShard<'a, S> {
    /// `[T, rows]`.
    pub inputs: Indices,
    /// `[T, rows]`: the token after each of the inputs.
    pub targets: Indices,
    /// The state of these rows after the chunk before; `None` at the start.
    pub carried: Option<&'a S>,
    /// That of the chunk, in training with another seed for each part.
    pub mode: Mode,
}

impl<S, T: Scalar> Default for TruncatedBptt<S, T> {
    fn default() -> Self {
        TruncatedBptt { shards: Shards::new(), rows: 0, states: Vec::new() }
    }
}

impl<S, T: Scalar> TruncatedBptt<S, T> {
    /// Before the first chunk: no state is carried.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the states: the next chunk is the first of its text, as at the start of an epoch. So a training that was saved
    /// between two epochs has no state to save.
    pub fn restart(&mut self) {
        self.rows = 0;
        self.states.clear();
    }

    /// The mean loss of a chunk, and its gradients. `loss` makes of each part of the rows the mean loss over its tokens, and
    /// the state that is handed to it with the next chunk.
    ///
    /// The rows are cut into parts of some 32, at most 16 of them; how, depends on their number alone, and the parts are added
    /// in their order: the result is the same to the bit at any number of threads. As with [`Shards::gradients`], `loss` must
    /// not hold a lock while it computes.
    ///
    /// # Panics
    /// If the chunk is not `[T, B]` of at least one row, or has another number of rows than the one before it, or where `loss`
    /// does.
    #[track_caller]
    pub fn gradients<M>(
        &mut self,
        model: &M,
        chunk: &BpttBatch,
        mode: Mode,
        loss: impl for<'t> Fn(&'t Tape<T>, &M::With<Var<'t, T>>, &BpttShard<'_, S>) -> (Var<'t, T>, S) + Sync,
    ) -> (f64, M)
    where
        M: Params<Tensor<T>> + Send + Sync,
        S: Send + Sync,
    {
        let shape = chunk.inputs.shape();
        assert!(
            shape.rank() == 2 && shape[1] > 0 && chunk.targets.shape() == shape,
            "TruncatedBptt: inputs {shape} and targets {} must both be [T, B] of at least one row",
            chunk.targets.shape()
        );
        let (rows, before) = (shape[1], self.rows);
        assert!(
            before == 0 || rows == before,
            "TruncatedBptt: {rows} rows after a chunk of {before}, without a restart"
        );
        let each = part_rows(rows);
        let parts: Vec<(BpttShard<'_, S>, f64, OnceLock<S>)> = (0..rows)
            .step_by(each)
            .enumerate()
            .map(|(i, start)| {
                let end = rows.min(start + each);
                let [inputs, targets] = [&chunk.inputs, &chunk.targets].map(|tokens| columns(tokens, start, end));
                let part = BpttShard { inputs, targets, carried: self.states.get(i), mode: mode.fold_in(i) };
                (part, (end - start) as f64 / rows as f64, OnceLock::new())
            })
            .collect();
        let result = self.shards.gradients(model, &parts, |tape, net, (part, share, next)| {
            let (loss, state) = loss(tape, net, part);
            let _ = next.set(state); // once: a part is computed once
            loss * *share
        });
        let states =
            parts.into_iter().map(|(_, _, next)| next.into_inner().expect("every part was computed")).collect();
        (self.rows, self.states) = (rows, states);
        result
    }
}

/// Columns of tokens `[T, B]`.
fn columns(tokens: &Indices, start: usize, end: usize) -> Indices {
    let [time, rows] = [tokens.shape()[0], tokens.shape()[1]];
    let cut = tokens.as_slice().chunks_exact(rows).flat_map(|step| &step[start..end]).copied().collect();
    Indices::from_vec(cut, [time, end - start])
}
