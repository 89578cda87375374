//! From scores to a token.

use crate::random::Rng;
use rand::RngExt;
use unspool_autograd::{Scalar, Tensor};

/// Draws the next token by the scores of a model.
///
/// The scores are divided by the temperature; of their softmax, the `k` most probable tokens stay (top-k: Fan, Lewis and Dauphin
/// 2018); of these, the fewest that together have a probability of at least `p` (top-p, the nucleus: Holtzman et al. 2020).
/// Unless told otherwise the temperature is 1 and every token stays.
///
/// ```
/// use unspool_nn::text::Sampler;
/// use unspool_nn::rng;
/// use unspool_autograd::Tensor;
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
    /// By the softmax of the scores as it is.
    fn default() -> Self {
        Sampler { temperature: 1.0, k: usize::MAX, p: 1.0 }
    }
}

impl Sampler {
    /// Always the token with the highest score, the first of several: that of temperature 0.
    pub fn greedy() -> Self {
        Sampler { temperature: 0.0, ..Sampler::default() }
    }

    /// Sets by what the scores are divided: below 1 probable tokens become more probable, at 0 only the most probable one
    /// is left.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn temperature(self, temperature: f64) -> Self {
        let right = temperature >= 0.0 && temperature.is_finite();
        assert!(right, "Sampler: the temperature is {temperature}; it must be finite and not negative");
        Sampler { temperature, ..self }
    }

    /// Sets how many tokens stay.
    ///
    /// # Panics
    /// If `k` is 0.
    #[track_caller]
    pub fn top_k(self, k: usize) -> Self {
        assert!(k > 0, "Sampler: top-k of 0 tokens: one must stay");
        Sampler { k, ..self }
    }

    /// Sets the probability that the tokens that stay have together.
    ///
    /// # Panics
    /// If `p` is not greater than 0 and at most 1.
    #[track_caller]
    pub fn top_p(self, p: f64) -> Self {
        assert!(p > 0.0 && p <= 1.0, "Sampler: top-p of {p}: it must be greater than 0 and at most 1");
        Sampler { p, ..self }
    }

    /// The probabilities of the tokens by their scores `[V]`: 0 for those that do not stay, and together 1. A score of minus
    /// infinity is a token that is never drawn.
    ///
    /// # Panics
    /// If the scores are not `[V]`, or the highest is not finite, or one is NaN.
    #[track_caller]
    pub fn probabilities<T: Scalar>(&self, scores: &Tensor<T>) -> Vec<f64> {
        let shape = scores.shape();
        assert!(
            shape.rank() == 1 && shape[0] > 0,
            "Sampler: the scores must be [V] of at least one token, not {shape}"
        );
        let scores: Vec<f64> = scores.to_vec().into_iter().map(Scalar::to_f64).collect();
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let right = highest.is_finite() && !scores.iter().any(|score| score.is_nan());
        assert!(right, "Sampler: scores of which one is NaN or the highest is not finite, {highest}");

        let weight = |score: f64| match self.temperature {
            0.0 => f64::from(u8::from(score == highest)),
            temperature => ((score - highest) / temperature).exp(),
        };
        let mut weights: Vec<f64> = scores.into_iter().map(weight).collect();
        let k = if self.temperature == 0.0 { 1 } else { self.k };
        if k < weights.len() || self.p < 1.0 {
            let mut order: Vec<usize> = (0..weights.len()).collect();
            order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a])); // stable: of equals, the first
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

    /// A token, drawn by these [probabilities](Sampler::probabilities).
    ///
    /// # Panics
    /// As `probabilities`.
    #[track_caller]
    pub fn sample<T: Scalar>(&self, scores: &Tensor<T>, rng: &mut Rng) -> usize {
        let probabilities = self.probabilities(scores);
        let mut left = rng.random::<f64>();
        let possible = || probabilities.iter().enumerate().filter(|(_, p)| **p > 0.0);
        let drawn = possible().find(|(_, p)| {
            left -= **p;
            left < 0.0
        });
        // Rounding may leave some of it behind the last.
        drawn.or_else(|| possible().next_back()).expect("a token is possible").0
    }
}

/// How many tokens of this order reach the part `p` of the weights of all of them.
fn nucleus(weights: &[f64], order: &[usize], p: f64) -> usize {
    let wanted = p * order.iter().map(|&token| weights[token]).sum::<f64>();
    let mut sum = 0.0;
    let last = order.iter().position(|&token| {
        sum += weights[token];
        sum >= wanted
    });
    last.map_or(order.len(), |last| last + 1)
}
