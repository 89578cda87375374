//! The results of counting, as tables.

use crate::corpus::Corpus;
use std::fmt::Write;
use std::time::Instant;
use unspool::text::ngram::{NgramCounts, NgramModel, Smoothing};
use unspool::text::{SpecialToken, bits_per_token, perplexity};

/// How many of the most probable tokens are shown.
const SHOWN: usize = 8;

pub(crate) fn head(corpus: &Corpus, seconds: f64) -> String {
    let Corpus { vocabulary, train, test, unit } = corpus;
    let unk = vocabulary.special_token_id(SpecialToken::Unk);
    let unknown = test.iter().filter(|&&token| Some(token) == unk).count() as f64 / test.len() as f64;
    format!(
        "{} {} counted in {seconds:.2} s, {} held out; a vocabulary of {}; {:.2}% of those held out are unknown\n",
        train.len(),
        unit.plural(),
        test.len(),
        vocabulary.len(),
        100.0 * unknown
    )
}

/// By n and smoothing.
pub(crate) fn perplexities(corpus: &Corpus, counts: &NgramCounts, k: f64) -> String {
    let unit = corpus.unit.singular();
    let mut table = String::from("\nPerplexity of what was counted, and of what was held out\n");
    let _ = writeln!(
        table,
        " n  maximum likelihood: counted  held out {:>10}  stupid back-off (*)  Kneser-Ney  seconds  bits per {unit}",
        format!("add-{k}")
    );
    for n in 1..=counts.order() {
        let nats = |smoothing, tokens: &[usize]| NgramModel::new(counts, n, smoothing).cross_entropy(tokens);
        let [fitted, likelihood, add_k, backoff] = [
            (Smoothing::MaximumLikelihood, &corpus.train),
            (Smoothing::MaximumLikelihood, &corpus.test),
            (Smoothing::AddK(k), &corpus.test),
            (Smoothing::StupidBackoff(0.4), &corpus.test),
        ]
        .map(|(smoothing, tokens)| perplexity(nats(smoothing, tokens)));
        let started = Instant::now();
        let kneser_ney = nats(Smoothing::KneserNey, &corpus.test);
        let seconds = started.elapsed().as_secs_f64();
        let _ = writeln!(
            table,
            "{n:>2}  {fitted:>27.3}  {likelihood:>8.3} {add_k:>10.3}  {backoff:>19.3}  {:>10.3}  {seconds:>7.3}  {:>width$.3}",
            perplexity(kneser_ney),
            bits_per_token(kneser_ney),
            width = 9 + unit.len()
        );
    }
    let _ = writeln!(table, "(*) of its scores, which do not sum to 1: it looks better than it is\n");
    table
}

/// Sparsity and storage, by n.
pub(crate) fn troubles(corpus: &Corpus, counts: &NgramCounts) -> String {
    let mut table = String::from("Sparsity and storage\n");
    let _ = writeln!(table, " n  held-out n-grams never seen  different n-grams  counted once      MiB");
    for n in 1..=counts.order() {
        let _ = writeln!(
            table,
            "{n:>2}  {:>27.1}%  {:>17}  {:>11.1}%  {:>7.2}",
            100.0 * counts.unseen(&corpus.test, n),
            counts.distinct(n),
            100.0 * counts.once(n) as f64 / counts.distinct(n) as f64,
            counts.bytes(n) as f64 / (1 << 20) as f64
        );
    }
    table
}

/// What probably comes next.
pub(crate) fn next(corpus: &Corpus, counts: &NgramCounts, prompt: &[usize]) -> String {
    let (tokens, order) = (corpus.vocabulary.tokens(), counts.order());
    let model = NgramModel::new(counts, order, Smoothing::KneserNey);
    let mut next: Vec<_> = model.next(prompt).into_iter().zip(tokens).collect();
    next.sort_by(|(p, _), (q, _)| q.total_cmp(p));
    let said = corpus.vocabulary.decode(prompt);
    let mut list = format!("\nAfter {said:?}, by Kneser-Ney with n = {order}\n");
    for (probability, token) in next.iter().take(SHOWN) {
        let _ = writeln!(list, "{probability:.4}  {token:?}");
    }
    list
}
