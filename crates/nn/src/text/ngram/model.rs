//! From counts to probabilities.

use super::counts::NgramCounts;
use super::kneser_ney::{self, Tally};

/// What an [`NgramModel`] makes of n-grams that it has not seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Smoothing {
    /// `c(context token) / c(context)`: 0 for what was not seen, also for every token after a context that was not.
    MaximumLikelihood,
    /// `(c(context token) + k) / (c(context) + k V)`: as if everything had been seen k times more. With k = 1, Laplace's
    /// rule.
    AddK(f64),
    /// `c(context token) / c(context)` if it was seen, else this factor times the same of a context without its first
    /// token (Brants et al. 2007, with 0.4). It is a score, and no probability: it does not sum to 1.
    StupidBackoff(f64),
    /// Interpolated modified Kneser-Ney (Kneser and Ney 1995; Chen and Goodman 1998, section 3): with discounts for counts
    /// of 1, 2 and more,
    ///
    /// ```text
    /// p(token | context) = (c - D(c)) / c(context) + share(context) p(token | context without its first token)
    /// ```
    ///
    /// where shorter n-grams count the different tokens that they were seen behind, and not how often; below n = 1 every
    /// token has `1 / V`. Discounts come from the text (or are 0.5, 1 and 1.5 if it is too small to tell).
    KneserNey,
}

/// Predicts the next token from the `order - 1` before it.
///
/// All methods take contexts of any length: of a long one the last `order - 1` tokens count, and a short one, as at the beginning
/// of a text, makes it a model of fewer.
#[derive(Clone, Debug)]
pub struct NgramModel<'a> {
    counts: &'a NgramCounts,
    order: usize,
    smoothing: Smoothing,
    /// Of Kneser-Ney, for n = 1, 2, ..
    tallies: Vec<Tally>,
}

impl<'a> NgramModel<'a> {
    /// A model of this order, which may be less than that of the counts.
    ///
    /// ```
    /// use unspool_nn::text::ngram::{NgramCounts, NgramModel, Smoothing};
    /// let counts = NgramCounts::new(&[0, 1, 0, 1, 0, 2], 2, 4);
    /// let after_0 = |smoothing| NgramModel::new(&counts, 2, smoothing).next(&[0]);
    /// assert_eq!(after_0(Smoothing::MaximumLikelihood), [0.0, 2.0 / 3.0, 1.0 / 3.0, 0.0]);
    /// assert_eq!(after_0(Smoothing::AddK(1.0)), [1.0 / 7.0, 3.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0]);
    /// assert_eq!(after_0(Smoothing::StupidBackoff(0.4)), [0.4 * 0.5, 2.0 / 3.0, 1.0 / 3.0, 0.0]);
    /// assert!(after_0(Smoothing::KneserNey)[3] > 0.0);
    /// ```
    ///
    /// # Panics
    /// If the order is 0 or greater than that of the counts, or the k or the factor of the smoothing is not positive.
    #[track_caller]
    pub fn new(counts: &'a NgramCounts, order: usize, smoothing: Smoothing) -> Self {
        let most = counts.order();
        assert!(
            (1..=most).contains(&order),
            "NgramModel: order {order}, and n-grams of 1 to {most} tokens were counted"
        );
        if let Smoothing::AddK(number) | Smoothing::StupidBackoff(number) = smoothing {
            assert!(number > 0.0 && number.is_finite(), "NgramModel: {smoothing:?} needs a positive number");
        }
        let tallies = match smoothing {
            Smoothing::KneserNey => kneser_ney::tallies(counts, order),
            _ => Vec::new(),
        };
        NgramModel { counts, order, smoothing, tallies }
    }

    /// How probable `token` is after `context` (with [`Smoothing::StupidBackoff`], its score).
    ///
    /// A token of the context that is none of the vocabulary makes it a context that was not seen.
    ///
    /// # Panics
    /// If there is no such token.
    #[track_caller]
    pub fn probability(&self, context: &[usize], token: usize) -> f64 {
        let classes = self.counts.classes();
        assert!(token < classes, "probability: there is no token {token} among {classes}, counted from 0");
        let context = &context[context.len().saturating_sub(self.order - 1)..];
        match self.smoothing {
            Smoothing::MaximumLikelihood => self.share(context, token).unwrap_or(0.0),
            Smoothing::AddK(k) => {
                let [seen, all] = self.seen(context, token).map(|count| count as f64);
                (seen + k) / (all + k * classes as f64)
            }
            Smoothing::StupidBackoff(factor) => {
                let mut weight = 1.0;
                for start in 0..=context.len() {
                    match self.share(&context[start..], token) {
                        Some(share) if share > 0.0 => return weight * share,
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

    /// The mean of -ln p over the tokens of a text, each after all before it; infinite if one of them is impossible, and NaN
    /// if there is none.
    ///
    /// # Panics
    /// If a token is none of the vocabulary.
    #[track_caller]
    pub fn cross_entropy(&self, tokens: &[usize]) -> f64 {
        let mut sum = 0.0;
        for (i, &token) in tokens.iter().enumerate() {
            sum -= self.probability(&tokens[..i], token).ln();
        }
        sum / tokens.len() as f64
    }

    /// How often the token and how often any token was seen after the context.
    fn seen(&self, context: &[usize], token: usize) -> [u32; 2] {
        let level = &self.counts.levels[context.len()];
        let Some(node) = self.counts.node(context) else { return [0, 0] };
        let seen = level.nodes.get(&(node as u32, token as u32)).map_or(0, |&node| level.counts[node as usize]);
        [seen, level.followers.get(node).copied().unwrap_or(0)]
    }

    /// The share of the token in what was seen after the context.
    fn share(&self, context: &[usize], token: usize) -> Option<f64> {
        let [seen, all] = self.seen(context, token);
        (all > 0).then(|| f64::from(seen) / f64::from(all))
    }

    /// From the shortest context to the longest that was seen.
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
