//! A language model at work, token after token.

use super::{LanguageModel, Sampler};
use crate::mode::Mode;
use crate::random::Rng;
use crate::recurrent::cell::Cell;
use crate::recurrent::state::State;
use crate::tuning::SCORED_STEPS;
use unspool_autograd::{Indices, Params, Scalar, Tape, Tensor, Var};

/// Continues a text, token after token: an iterator without an end. It keeps the states of the model's layers between steps;
/// nothing is recorded for a gradient, and nothing grows with the number of tokens.
///
/// ```
/// use unspool_nn::text::{Generator, LanguageModel, Sampler};
/// use unspool_nn::rng;
/// use unspool_nn::cells::Lstm;
/// use unspool_autograd::Tensor;
/// let model = LanguageModel::<Tensor>::new(&mut rng(0), 10, 4, [8, 8], Lstm::new);
/// let mut generator = Generator::new(model, &[3, 1, 4], Sampler::default().temperature(0.8), rng(1));
/// let said: Vec<usize> = generator.by_ref().take(5).collect();
/// generator.read(&[1, 5]);                                      // what somebody answers
/// let next = generator.next();
/// assert_eq!((said.len(), next.is_some()), (5, true));
/// ```
pub struct Generator<T: Scalar, C, D> {
    tape: Tape<T>,
    model: LanguageModel<Tensor<T>, C>,
    states: Option<Vec<D>>,
    /// `[V]`: of the next token.
    scores: Tensor<T>,
    sampler: Sampler,
    rng: Rng,
}

impl<T, C, D> Generator<T, C, D>
where
    T: Scalar,
    C: Params<Tensor<T>>,
    for<'t> C::With<Var<'t, T>>: Cell<'t, T, State: State<'t, T, Detached = D>>,
{
    /// The model after it has read the prompt, from its zero state.
    ///
    /// # Panics
    /// If the prompt has no token, or one that is not of the model's vocabulary.
    #[track_caller]
    pub fn new(model: LanguageModel<Tensor<T>, C>, prompt: &[usize], sampler: Sampler, rng: Rng) -> Self {
        assert!(!prompt.is_empty(), "Generator: the prompt has no token: at least one is needed");
        let scores = model.bias.clone();
        let mut generator = Generator { tape: Tape::new(), model, states: None, scores, sampler, rng };
        generator.read(prompt);
        generator
    }

    /// Reads tokens that follow what there is.
    ///
    /// # Panics
    /// If one is not of the model's vocabulary.
    #[track_caller]
    pub fn read(&mut self, tokens: &[usize]) {
        for part in tokens.chunks(SCORED_STEPS) {
            self.tape.reset(); // something may be there if the part before has panicked
            {
                let inputs = Indices::from_vec(part.to_vec(), [part.len(), 1]);
                let net = self.tape.bind_frozen(&self.model);
                let (scores, states) = net.run(inputs, self.states.as_ref(), Mode::Evaluation);
                self.scores = scores.select(0, part.len() - 1).squeeze(0).value();
                self.states = Some(states.detach());
            }
            self.tape.reset();
        }
    }

    /// The scores `[V]` of the token that comes next.
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

    /// The next token, drawn by the [`Sampler`].
    fn next(&mut self) -> Option<usize> {
        let token = self.sampler.sample(&self.scores, &mut self.rng);
        self.read(&[token]);
        Some(token)
    }
}
