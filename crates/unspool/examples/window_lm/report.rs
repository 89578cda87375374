//! The results of counting and of training, as tables.

use crate::corpus::Corpus;
use crate::model::Trained;
use std::fmt::Write;
use unspool::ParamsExt;
use unspool::text::ngram::{NgramCounts, NgramModel, Smoothing};
use unspool::text::perplexity;

/// How many of the most probable tokens are shown.
const SHOWN: usize = 8;
const MIB: f64 = (1 << 20) as f64;

/// N-grams with Kneser-Ney smoothing.
pub(crate) struct Counted {
    counts: NgramCounts,
    /// -ln p of every held-out token, for n = 1, 2, ..
    nats: Vec<Vec<f64>>,
}

impl Counted {
    pub(crate) fn new(corpus: &Corpus, order: usize) -> Self {
        let counts = NgramCounts::new(&corpus.train, order, corpus.vocabulary.len());
        let nats = |n| {
            let model = NgramModel::new(&counts, n, Smoothing::KneserNey);
            let nats = |(i, &token)| -model.probability(&corpus.test[..i], token).ln();
            corpus.test.iter().enumerate().map(nats).collect()
        };
        Counted { nats: (1..=order).map(nats).collect(), counts }
    }

    /// The n whose model is the best.
    fn best(&self) -> usize {
        let least = |n: &usize, m: &usize| mean(&self.nats[n - 1]).total_cmp(&mean(&self.nats[m - 1]));
        (1..=self.nats.len()).min_by(least).expect("one n at least")
    }
}

pub(crate) fn mean(nats: &[f64]) -> f64 {
    nats.iter().sum::<f64>() / nats.len() as f64
}

/// -ln of the mean of both probabilities.
fn mixed(nats: &[f64], others: &[f64]) -> Vec<f64> {
    nats.iter().zip(others).map(|(a, b)| -(0.5 * ((-a).exp() + (-b).exp())).ln()).collect()
}

pub(crate) fn head(corpus: &Corpus, counted: &Counted) -> String {
    let Corpus { vocabulary, train, test, unit } = corpus;
    let unit = unit.plural();
    let mut text = format!(
        "{} {unit} to learn from, {} held out; a vocabulary of {}\n\nPerplexity of the {unit} held out\n",
        train.len(),
        test.len(),
        vocabulary.len()
    );
    let _ = writeln!(text, "n-grams, Kneser-Ney  perplexity     numbers      MiB");
    let (mut ngrams, mut bytes) = (0, 0);
    for (n, nats) in (1..).zip(&counted.nats) {
        ngrams += counted.counts.distinct(n);
        bytes += counted.counts.bytes(n);
        let best = if n == counted.best() { "  best" } else { "" };
        let perplexity = perplexity(mean(nats));
        let _ = writeln!(text, "n = {n:<15} {perplexity:>11.3} {ngrams:>11} {:>8.2}{best}", bytes as f64 / MIB);
    }
    text +=
        "\nnetwork              perplexity  parameters      MiB  mixed with the best n-grams (*)  epochs  seconds\n";
    text
}

/// What came of a window.
pub(crate) fn line(counted: &Counted, trained: &Trained, nats: &[f64], seconds: f64) -> String {
    let (window, parameters) = (trained.window, trained.model.parameter_count());
    let mixed = perplexity(mean(&mixed(nats, &counted.nats[counted.best() - 1])));
    format!(
        "window of {window:<10} {:>11.3} {parameters:>11} {:>8.2} {mixed:>32.3} {:>7} {seconds:>8.1}\n",
        perplexity(mean(nats)),
        (4 * parameters) as f64 / MIB,
        trained.epochs
    )
}

/// Where the n-gram of a held-out token was seen, and where not.
pub(crate) fn sparsity(corpus: &Corpus, counted: &Counted, trained: &Trained, nats: &[f64]) -> String {
    let n = counted.counts.order().min(3);
    let ngrams = &counted.nats[counted.best() - 1];
    let mut text = format!(
        "(*) the mean of both probabilities\n\nWhere the last {n} {} stand so in what was learned from, and where not\n",
        corpus.unit.plural()
    );
    let _ = writeln!(text, "               share  perplexity: n-grams  window of {}", trained.window);
    for (name, seen) in [("seen", true), ("never seen", false)] {
        let is = |i: &usize| (counted.counts.count(&corpus.test[(i + 1).saturating_sub(n)..=*i]) > 0) == seen;
        let places: Vec<usize> = (0..nats.len()).filter(is).collect();
        let of = |nats: &[f64]| perplexity(mean(&places.iter().map(|&i| nats[i]).collect::<Vec<_>>()));
        let share = 100.0 * places.len() as f64 / nats.len() as f64;
        let _ = writeln!(text, "{name:<12} {share:>6.1}% {:>20.3} {:>12.3}", of(ngrams), of(nats));
    }
    text
}

/// What probably comes next.
pub(crate) fn next(corpus: &Corpus, trained: &Trained, prompt: &[usize], padding: usize) -> String {
    let mut next: Vec<_> = trained.next(prompt, padding).into_iter().zip(corpus.vocabulary.tokens()).collect();
    next.sort_by(|(p, _), (q, _)| q.total_cmp(p));
    let said = corpus.vocabulary.decode(prompt);
    let mut list = format!("\nAfter {said:?}, by the window of {}\n", trained.window);
    for (probability, token) in next.iter().take(SHOWN) {
        let _ = writeln!(list, "{probability:.4}  {token:?}");
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_has_the_mean_probability() {
        let mixed = mixed(&[0.5f64, 0.25].map(|p| -p.ln()), &[0.1f64, 0.75].map(|p| -p.ln()));
        assert!(mixed.iter().zip([0.3f64, 0.5]).all(|(nats, p)| (nats + p.ln()).abs() < 1e-12), "{mixed:?}");
    }
}
