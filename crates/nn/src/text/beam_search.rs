//! Beam search for the most probable sequences of a decoder.

use crate::recurrent::state::State;
use crate::recurrent::step::check_state;
use std::cmp::Ordering;
use unspool_autograd::{Indices, Number, Scalar, Var};

/// A candidate sequence: what [`BeamSearch::run`] returns.
///
/// ```
/// use unspool::text::{Hypothesis, beam_search};
/// use unspool::{Tape, Tensor};
/// let tape = Tape::<f64>::new();
/// // A decoder that ends (token 1) with probability 0.6 after any token.
/// let scores = tape.constant(&Tensor::from_slice(&[0.1f64, 0.6, 0.3], [1, 3]).map(f64::ln));
/// let state = tape.constant(&Tensor::zeros([1, 1]));
/// let found: Vec<Hypothesis> = beam_search(0, 1, 5).run(state, |_, state| (scores, state));
/// assert!(found[0].ended && found[0].tokens.is_empty());
/// assert!((found[0].log_probability - 0.6f64.ln()).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Hypothesis {
    /// The tokens, without the begin and end tokens.
    pub tokens: Vec<usize>,
    /// The sum of the tokens' log-probabilities, including the end token's if the sequence ended.
    pub log_probability: f64,
    /// Whether it ended with the end token; otherwise the maximum length cut it off.
    pub ended: bool,
}

/// The settings of a beam search: what [`beam_search`] returns.
///
/// ```
/// use unspool::text::{BeamSearch, beam_search};
/// const BEGIN: usize = 0;
/// const END: usize = 1;
/// let search: BeamSearch = beam_search(BEGIN, END, 20).width(5);
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `run` to search"]
pub struct BeamSearch {
    begin: usize,
    end: usize,
    max_length: usize,
    width: usize,
    alpha: f64,
}

/// Searches for the most probable sequences that start after the token `begin` and reach the token
/// `end` within `max_length` tokens. The default is greedy decoding; a larger
/// [`width`](BeamSearch::width) keeps several hypotheses at a time.
///
/// Each step extends every hypothesis by every token, and keeps the most probable ones. A
/// hypothesis that ends is done, and narrows the beam by one: with width 1, the search is greedy.
///
/// Graves 2012, "Sequence transduction with recurrent neural networks"; Sutskever, Vinyals and Le
/// 2014, "Sequence to sequence learning with neural networks".
///
/// ```
/// use unspool::prelude::*;
/// use unspool::text::beam_search;
/// const BEGIN: usize = 0;
/// const END: usize = 1;
/// let rng = &mut rng(0);
/// let words: Embedding<Tensor> = Embedding::new(rng, 10, 4);
/// let (decoder, head) = (Gru::<Tensor>::new(rng, 4, 8), Dense::<Tensor>::new(rng, 8, 10));
/// let tape = Tape::new();
/// let (words, decoder, head) = (tape.bind_frozen(&words), tape.bind_frozen(&decoder), tape.bind_frozen(&head));
///
/// let encoded = decoder.zero_state(1);                          // one sequence, such as an encoder's state
/// let found = beam_search(BEGIN, END, 20).width(3).run(encoded, |tokens, h| {
///     let x = decoder.project(words.forward(tokens).unsqueeze(0)).squeeze(0);
///     let (output, h) = decoder.step(x, h);                     // a row for each hypothesis
///     (head.forward(output).log_softmax(1), h)
/// });
/// assert_eq!(found.len(), 3);
/// assert!(found[0].ended || found[0].tokens.len() == 20);
/// ```
///
/// # Panics
/// If `max_length` is 0.
#[track_caller]
pub fn beam_search(begin: usize, end: usize, max_length: usize) -> BeamSearch {
    ensure!(max_length > 0, "beam_search: sequences of 0 tokens: the maximum length must be at least 1");
    BeamSearch { begin, end, max_length, width: 1, alpha: 0.0 }
}

impl BeamSearch {
    /// The number of hypotheses at a time, and the most that are returned; 1 by default.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn width(self, width: usize) -> Self {
        ensure!(width > 0, "beam_search: a beam of width 0: it must be at least 1");
        BeamSearch { width, ..self }
    }

    /// Ranks the hypotheses by their log-probabilities divided by `((5 + n) / 6)^alpha`, where n is
    /// the number of tokens including the end token: a sum of log-probabilities favors short
    /// sequences. The default is 0, no penalty.
    ///
    /// Wu et al. 2016, "Google's neural machine translation system", section 7; Vaswani et al. 2017
    /// used 0.6.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn length_penalty(self, alpha: f64) -> Self {
        let valid = alpha >= 0.0 && alpha.is_finite();
        ensure!(valid, "beam_search: a length penalty of {alpha}: it must be a number from 0");
        BeamSearch { alpha, ..self }
    }

    /// The hypotheses, best first: those that ended, then those that were cut off. Of two with
    /// equal scores, the one with the lower token at their first difference comes first.
    ///
    /// `state` is the initial state of one sequence, `[1, ..]`. `step` takes the last token of each
    /// of `W` hypotheses and their states, `[W, ..]`, and returns the log-probabilities of all
    /// tokens, `[W, tokens]`, and the next states. A token with log-probability -inf is never
    /// chosen; if there is no other, no hypothesis remains.
    ///
    /// # Panics
    /// If the state is not of 1 sequence, or the results of `step` are not of W; if `end` is not
    /// one of the tokens; if a log-probability is NaN or above 0, as scores without `log_softmax`
    /// are.
    #[track_caller]
    pub fn run<'t, T: Scalar, S: State<'t, T>>(
        &self,
        mut state: S,
        mut step: impl FnMut(Indices, S) -> (Var<'t, T>, S),
    ) -> Vec<Hypothesis> {
        check_state("beam_search: the state", &state, 1);
        let mut beam = vec![Hypothesis { tokens: Vec::new(), log_probability: 0.0, ended: false }];
        let mut done = Vec::new();
        for length in 0..self.max_length {
            let last = beam.iter().map(|hypothesis| hypothesis.tokens.last().copied().unwrap_or(self.begin)).collect();
            let (scores, next): (Var<T>, S) = step(Indices::from_vec(last, [beam.len()]), state);
            check_state("beam_search: the state after a step", &next, beam.len());
            let best = self.best(&beam, scores, self.width - done.len());
            let (mut rows, mut longer) = (Vec::new(), Vec::new());
            for Continuation { row, token, log_probability } in best {
                let (mut tokens, ended) = (beam[row].tokens.clone(), token == self.end);
                if ended {
                    done.push(Hypothesis { tokens, log_probability, ended });
                } else {
                    tokens.push(token);
                    longer.push(Hypothesis { tokens, log_probability, ended });
                    rows.push(row);
                }
            }
            beam = longer;
            if beam.is_empty() || length + 1 == self.max_length {
                break;
            }
            state = next.map(&mut |var| var.index_select(0, &rows));
        }
        done.append(&mut beam);
        done.sort_by(|a, b| {
            let by_score = self.score(b).total_cmp(&self.score(a));
            b.ended.cmp(&a.ended).then(by_score).then_with(|| a.tokens.cmp(&b.tokens))
        });
        done
    }

    /// The score by which the final hypotheses are ranked.
    fn score(&self, hypothesis: &Hypothesis) -> f64 {
        let length = hypothesis.tokens.len() + usize::from(hypothesis.ended);
        hypothesis.log_probability / ((5.0 + length as f64) / 6.0).powf(self.alpha)
    }

    /// The `width` most probable continuations of the hypotheses, best first, by their
    /// log-probabilities `[W, tokens]`.
    #[track_caller]
    fn best<T: Scalar>(&self, beam: &[Hypothesis], scores: Var<'_, T>, width: usize) -> Vec<Continuation> {
        let shape = scores.shape();
        let fits = shape.rank() == 2 && shape[0] == beam.len() && shape[1] > self.end;
        ensure!(
            fits,
            "beam_search: log-probabilities {shape} are not [{}, tokens], with the end token {}",
            beam.len(),
            self.end
        );
        let mut all = Vec::with_capacity(shape.numel());
        for (i, score) in scores.value().to_vec().into_iter().map(Number::to_f64).enumerate() {
            let (row, token) = (i / shape[1], i % shape[1]);
            // Rounding may put the log-probability of a certain token slightly above 0.
            ensure!(
                score < 1e-3,
                "beam_search: token {token} after {:?} has the log-probability {score}: it must be a number up to 0",
                beam[row].tokens
            );
            let log_probability = beam[row].log_probability + score;
            if log_probability > f64::NEG_INFINITY {
                all.push(Continuation { row, token, log_probability });
            }
        }
        let order = |a: &Continuation, b: &Continuation| -> Ordering {
            let by_tokens = || beam[a.row].tokens.cmp(&beam[b.row].tokens).then(a.token.cmp(&b.token));
            b.log_probability.total_cmp(&a.log_probability).then_with(by_tokens)
        };
        if all.len() > width {
            all.select_nth_unstable_by(width, order);
            all.truncate(width);
        }
        all.sort_unstable_by(order);
        all
    }
}

/// A hypothesis extended by one token.
struct Continuation {
    /// The index of the hypothesis in the beam.
    row: usize,
    token: usize,
    log_probability: f64,
}
