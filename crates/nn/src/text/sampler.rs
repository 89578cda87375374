//! Sampling a token from scores: temperature, top-k, top-p.

use crate::random::Rng;
use rand::RngExt;
use unspool_autograd::{Number, Scalar, Tensor};

/// Samples the next token from the scores (logits) of a model.
///
/// The scores are divided by the temperature. Of their softmax, the `k` most probable tokens are
/// kept (top-k: Fan, Lewis and Dauphin 2018), and of these the smallest set with a total
/// probability of at least `p` (top-p, nucleus sampling: Holtzman et al. 2020). By default the
/// temperature is 1 and all tokens are kept.
///
/// ```
/// use unspool::text::Sampler;
/// use unspool::{Tensor, rng};
/// let scores = Tensor::<f32>::from_vec([8f32, 1.0, 4.0, 3.0].map(f32::ln).to_vec(), [4]);
/// assert!((Sampler::default().probabilities(&scores)[0] - 0.5).abs() < 1e-6);
/// let sampler = Sampler::default().temperature(0.5).top_k(3).top_p(0.85);
/// assert!((sampler.probabilities(&scores)[2] - 16.0 / (64.0 + 16.0)).abs() < 1e-6);
/// let token = sampler.sample(&scores, &mut rng(0));
/// assert!([0, 2].contains(&token));
/// assert_eq!(Sampler::greedy().sample(&scores, &mut rng(0)), 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampler {
    temperature: f64,
    k: usize,
    p: f64,
}

impl Default for Sampler {
    /// Samples from the softmax of the scores.
    fn default() -> Self {
        Sampler { temperature: 1.0, k: usize::MAX, p: 1.0 }
    }
}

impl Sampler {
    /// Always picks the token with the highest score, and the first of several: temperature 0.
    pub fn greedy() -> Self {
        Sampler { temperature: 0.0, ..Sampler::default() }
    }

    /// Sets the temperature, which divides the scores: below 1 probable tokens become more
    /// probable, and at 0 only the most probable one is left.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn temperature(self, temperature: f64) -> Self {
        let valid = temperature >= 0.0 && temperature.is_finite();
        ensure!(valid, "Sampler: the temperature is {temperature}; it must be finite and not negative");
        Sampler { temperature, ..self }
    }

    /// Keeps only the `k` most probable tokens.
    ///
    /// # Panics
    /// If `k` is 0.
    #[track_caller]
    pub fn top_k(self, k: usize) -> Self {
        ensure!(k > 0, "Sampler: top-k of 0 tokens: it must be at least 1");
        Sampler { k, ..self }
    }

    /// Keeps only the smallest set of tokens with a total probability of at least `p`.
    ///
    /// # Panics
    /// If `p` is not greater than 0 and at most 1.
    #[track_caller]
    pub fn top_p(self, p: f64) -> Self {
        ensure!(p > 0.0 && p <= 1.0, "Sampler: top-p of {p}: it must be greater than 0 and at most 1");
        Sampler { p, ..self }
    }

    /// The probabilities of the tokens from their scores `[V]`: they sum to 1, and are 0 for tokens
    /// that are not kept. A token with a score of -inf is never sampled.
    ///
    /// # Panics
    /// If the scores are not `[V]`, or the highest is not finite, or one is NaN.
    #[track_caller]
    pub fn probabilities<T: Scalar>(&self, scores: &Tensor<T>) -> Vec<f64> {
        let shape = scores.shape();
        ensure!(
            shape.rank() == 1 && shape[0] > 0,
            "Sampler: the scores must be [V] of at least one token, not {shape}"
        );
        let scores: Vec<f64> = scores.to_vec().into_iter().map(Number::to_f64).collect();
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let valid = highest.is_finite() && !scores.iter().any(|score| score.is_nan());
        ensure!(valid, "Sampler: a score is NaN, or the highest is not finite: {highest}");

        let weight = |score: f64| match self.temperature {
            0.0 => f64::from(u8::from(score == highest)),
            temperature => ((score - highest) / temperature).exp(),
        };
        let mut weights: Vec<f64> = scores.into_iter().map(weight).collect();
        let k = if self.temperature == 0.0 { 1 } else { self.k };
        if k < weights.len() || self.p < 1.0 {
            let mut order: Vec<usize> = (0..weights.len()).collect();
            order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a])); // stable: the first of equals
            order.truncate(k);
            if self.p < 1.0 {
                order.truncate(nucleus(&weights, &order, self.p));
            }
            let mut kept = vec![0.0; weights.len()];
            order.into_iter().for_each(|token| kept[token] = weights[token]);
            weights = kept;
        }
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }

    /// A token, sampled from these [probabilities](Sampler::probabilities).
    ///
    /// # Panics
    /// If [`probabilities`](Sampler::probabilities) panics.
    #[track_caller]
    pub fn sample<T: Scalar>(&self, scores: &Tensor<T>, rng: &mut Rng) -> usize {
        let probabilities = self.probabilities(scores);
        let mut remaining = rng.random::<f64>();
        let possible = || probabilities.iter().enumerate().filter(|(_, p)| **p > 0.0);
        let drawn = possible().find(|(_, p)| {
            remaining -= **p;
            remaining < 0.0
        });
        // The probabilities may sum to slightly less than 1: then it is the last token.
        drawn.or_else(|| possible().next_back()).expect("a token is possible").0
    }
}

/// How many of the first tokens in `order` have a fraction `p` of the total weight.
fn nucleus(weights: &[f64], order: &[usize], p: f64) -> usize {
    let target = p * order.iter().map(|&token| weights[token]).sum::<f64>();
    let mut sum = 0.0;
    let last = order.iter().position(|&token| {
        sum += weights[token];
        sum >= target
    });
    last.map_or(order.len(), |last| last + 1)
}
