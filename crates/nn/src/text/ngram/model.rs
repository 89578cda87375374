//! Probabilities from counts.

use super::counts::NgramCounts;
use super::kneser_ney::{self, Tally};
use std::fmt;

/// How an [`NgramModel`] treats n-grams that it has not seen.
///
/// ```
/// use unspool::text::ngram::{NgramCounts, NgramModel, Smoothing};
/// let counts = NgramCounts::new(&[0, 1, 0, 1, 0, 2], 2, 3);
/// let unseen = |smoothing| NgramModel::new(&counts, 2, smoothing).next(&[1])[2]; // 2 never follows 1
/// assert_eq!(unseen(Smoothing::MaximumLikelihood), 0.0);
/// assert_eq!(unseen(Smoothing::AddK(1.0)), 1.0 / (2.0 + 3.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[non_exhaustive]
pub enum Smoothing {
    /// `c(context token) / c(context)`: 0 for unseen n-grams, and for every token after an unseen
    /// context.
    MaximumLikelihood,
    /// `(c(context token) + k) / (c(context) + k V)`: as if each n-gram had been seen k more times.
    /// Laplace smoothing with k = 1.
    AddK(f64),
    /// `c(context token) / c(context)` if that n-gram was seen; otherwise this factor times the
    /// same for the context without its first token (Brants et al. 2007, with 0.4). These are
    /// scores, not probabilities: they do not sum to 1.
    StupidBackoff(f64),
    /// Interpolated modified Kneser-Ney smoothing (Kneser and Ney 1995; Chen and Goodman 1998,
    /// section 3), with discounts for counts of 1, 2, and 3 or more:
    ///
    /// ```text
    /// p(token | context) = (c - D(c)) / c(context) + weight(context) p(token | context without its first token)
    /// ```
    ///
    /// For shorter n-grams, `c` counts the different tokens that precede them, not their
    /// occurrences; below n = 1, each token has the probability `1 / V`. Discounts are estimated
    /// from the text (or are 0.5, 1 and 1.5 if it is too small).
    KneserNey,
}

/// Predicts the next token from the `order - 1` before it.
///
/// Contexts may have any length: of a longer one only the last `order - 1` tokens count, and with a
/// shorter one, as at the beginning of a text, it is a model of a lower order.
#[derive(Clone)]
pub struct NgramModel<'a> {
    counts: &'a NgramCounts,
    order: usize,
    smoothing: Smoothing,
    /// Only for Kneser-Ney: for n = 1, 2, ..
    tallies: Vec<Tally>,
}

impl fmt::Debug for NgramModel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NgramModel")
            .field("counts", self.counts)
            .field("order", &self.order)
            .field("smoothing", &self.smoothing)
            .finish_non_exhaustive()
    }
}

impl<'a> NgramModel<'a> {
    /// A model of this order, which may be lower than that of the counts.
    ///
    /// ```
    /// use unspool::text::ngram::{NgramCounts, NgramModel, Smoothing};
    /// let counts = NgramCounts::new(&[0, 1, 0, 1, 0, 2], 2, 4);
    /// let after_0 = |smoothing| NgramModel::new(&counts, 2, smoothing).next(&[0]);
    /// assert_eq!(after_0(Smoothing::MaximumLikelihood), [0.0, 2.0 / 3.0, 1.0 / 3.0, 0.0]);
    /// assert_eq!(after_0(Smoothing::AddK(1.0)), [1.0 / 7.0, 3.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0]);
    /// assert_eq!(after_0(Smoothing::StupidBackoff(0.4)), [0.4 * 0.5, 2.0 / 3.0, 1.0 / 3.0, 0.0]);
    /// assert!(after_0(Smoothing::KneserNey)[3] > 0.0);
    /// ```
    ///
    /// # Panics
    /// If the order is 0 or greater than that of the counts, or the smoothing's k or factor is not
    /// positive.
    #[track_caller]
    pub fn new(counts: &'a NgramCounts, order: usize, smoothing: Smoothing) -> Self {
        let most = counts.order();
        ensure!(
            (1..=most).contains(&order),
            "NgramModel: order {order}, and n-grams of 1 to {most} tokens were counted"
        );
        if let Smoothing::AddK(number) | Smoothing::StupidBackoff(number) = smoothing {
            ensure!(number > 0.0 && number.is_finite(), "NgramModel: {smoothing:?} needs a positive number");
        }
        let tallies = match smoothing {
            Smoothing::KneserNey => kneser_ney::tallies(counts, order),
            _ => Vec::new(),
        };
        NgramModel { counts, order, smoothing, tallies }
    }

    /// The probability of `token` after `context` (with [`Smoothing::StupidBackoff`], its score).
    ///
    /// A context with a token that is not in the vocabulary counts as unseen.
    ///
    /// # Panics
    /// If `token` is not in the vocabulary.
    #[track_caller]
    pub fn probability(&self, context: &[usize], token: usize) -> f64 {
        let classes = self.counts.classes();
        ensure!(token < classes, "probability: there is no token {token} among {classes}, counted from 0");
        let context = &context[context.len().saturating_sub(self.order - 1)..];
        match self.smoothing {
            Smoothing::MaximumLikelihood => self.frequency(context, token).unwrap_or(0.0),
            Smoothing::AddK(k) => {
                let [seen, all] = self.seen(context, token).map(|count| count as f64);
                (seen + k) / (all + k * classes as f64)
            }
            Smoothing::StupidBackoff(factor) => {
                let mut weight = 1.0;
                for start in 0..=context.len() {
                    match self.frequency(&context[start..], token) {
                        Some(frequency) if frequency > 0.0 => return weight * frequency,
                        _ => weight *= factor,
                    }
                }
                0.0
            }
            Smoothing::KneserNey => self.kneser_ney(context, token),
        }
    }

    /// The probabilities of all tokens after `context`: `V` of them.
    pub fn next(&self, context: &[usize]) -> Vec<f64> {
        (0..self.counts.classes()).map(|token| self.probability(context, token)).collect()
    }

    /// The cross-entropy per token in nats: the mean of -ln p over the tokens of a text, each
    /// predicted from those before it. Infinite if a token has probability 0, and NaN if there are
    /// no tokens.
    ///
    /// # Panics
    /// If a token is not in the vocabulary.
    #[track_caller]
    pub fn cross_entropy(&self, tokens: &[usize]) -> f64 {
        let mut sum = 0.0;
        for (i, &token) in tokens.iter().enumerate() {
            sum -= self.probability(&tokens[..i], token).ln();
        }
        sum / tokens.len() as f64
    }

    /// The counts of this token and of all tokens after the context.
    fn seen(&self, context: &[usize], token: usize) -> [u32; 2] {
        let level = &self.counts.levels[context.len()];
        let Some(node) = self.counts.node(context) else { return [0, 0] };
        let seen = level.nodes.get(&(node as u32, token as u32)).map_or(0, |&node| level.counts[node as usize]);
        [seen, level.followers.get(node).copied().unwrap_or(0)]
    }

    /// The relative frequency of the token after the context, if the context was seen.
    fn frequency(&self, context: &[usize], token: usize) -> Option<f64> {
        let [seen, all] = self.seen(context, token);
        (all > 0).then(|| f64::from(seen) / f64::from(all))
    }

    /// Interpolates from the shortest context to the longest that was seen.
    fn kneser_ney(&self, context: &[usize], token: usize) -> f64 {
        let mut probability = 1.0 / self.counts.classes() as f64;
        for (n, tally) in self.tallies[..=context.len()].iter().enumerate() {
            let Some(node) = self.counts.node(&context[context.len() - n..]) else { break };
            let ngram = self.counts.levels[n].nodes.get(&(node as u32, token as u32));
            probability = tally.interpolate(node, ngram.map(|&node| node as usize), probability);
        }
        probability
    }
}
