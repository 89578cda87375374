//! Generating text with a language model.

use super::{LanguageModel, Sampler};
use crate::context::Context;
use crate::random::Rng;
use crate::recurrent::cell::Cell;
use crate::recurrent::sequence_layer::{SequenceLayer, SequenceOutput};
use crate::recurrent::state::State;
use crate::tuning::SCORED_STEPS;
use std::fmt;
use unspool_autograd::{Indices, Params, Scalar, Tape, Tensor, Var};

/// Continues a text, token by token: an infinite iterator. It keeps the states of the model's
/// layers between steps. No gradients are recorded, and memory does not grow with the number of
/// tokens.
///
/// ```
/// use unspool::text::{Generator, LanguageModel, Sampler};
/// use unspool::{Lstm, Tensor, rng};
/// let model = LanguageModel::<Tensor>::new(&mut rng(0), 10, 4, [8, 8], Lstm::new);
/// let mut generator = Generator::new(model, &[3, 1, 4], Sampler::default().temperature(0.8), rng(1));
/// let tokens: Vec<usize> = generator.by_ref().take(5).collect();
/// generator.read(&[1, 5]);                                      // a reply
/// let next = generator.next();
/// assert_eq!((tokens.len(), next.is_some()), (5, true));
/// ```
pub struct Generator<T: Scalar, C, D> {
    tape: Tape<T>,
    model: LanguageModel<Tensor<T>, C>,
    states: Option<Vec<D>>,
    /// The scores of the next token, `[V]`.
    scores: Tensor<T>,
    sampler: Sampler,
    rng: Rng,
}

impl<T: Scalar, C, D> fmt::Debug for Generator<T, C, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator")
            .field("vocabulary", &self.scores.numel())
            .field("sampler", &self.sampler)
            .finish_non_exhaustive()
    }
}

impl<T, C, D> Generator<T, C, D>
where
    T: Scalar,
    C: Params<Tensor<T>>,
    for<'t> C::With<Var<'t, T>>: Cell<'t, T, State: State<'t, T, Detached = D>>,
{
    /// A generator that continues the prompt, which the model reads from its zero state.
    ///
    /// # Panics
    /// If the prompt has no token, or one that is not in the model's vocabulary.
    #[track_caller]
    pub fn new(model: LanguageModel<Tensor<T>, C>, prompt: &[usize], sampler: Sampler, rng: Rng) -> Self {
        ensure!(!prompt.is_empty(), "Generator: the prompt has no token: at least one is needed");
        let scores = model.bias.clone();
        let mut generator = Generator { tape: Tape::new(), model, states: None, scores, sampler, rng };
        generator.read(prompt);
        generator
    }

    /// Reads more tokens, after those read and generated so far.
    ///
    /// # Panics
    /// If one is not in the model's vocabulary.
    #[track_caller]
    pub fn read(&mut self, tokens: &[usize]) {
        for chunk in tokens.chunks(SCORED_STEPS) {
            self.tape.reset(); // not empty if the last read panicked
            {
                let inputs = Indices::from_vec(chunk.to_vec(), [chunk.len(), 1]);
                let net = self.tape.bind_frozen(&self.model);
                let state = self.states.as_ref().map(|states| State::attach(&self.tape, states));
                let output = net.run(inputs, state, Context::default());
                self.scores = output.last().squeeze(0).value();
                self.states = Some(output.state().detached());
            }
            self.tape.reset();
        }
    }

    /// The scores of the next token, `[V]`.
    pub fn scores(&self) -> &Tensor<T> {
        &self.scores
    }
}

impl<T, C, D> Iterator for Generator<T, C, D>
where
    T: Scalar,
    C: Params<Tensor<T>>,
    for<'t> C::With<Var<'t, T>>: Cell<'t, T, State: State<'t, T, Detached = D>>,
{
    type Item = usize;

    /// The next token, sampled by the [`Sampler`].
    fn next(&mut self) -> Option<usize> {
        let token = self.sampler.sample(&self.scores, &mut self.rng);
        self.read(&[token]);
        Some(token)
    }
}
