//! A language model by counting: the probability of a word is how often it followed the last n - 1
//! words. The larger n, the fewer of the n-grams of a new text were ever seen, and the more must be
//! stored; smoothing gives the unseen ones a share.
//!
//! ```text
//! cargo run --release --example ngram
//! cargo run --release --example ngram -- --text book.txt --prompt "to be or not"
//! ```
//!
//! The models count the first nine tenths of a text and are tested on the last tenth.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;
#[path = "shared/corpus.rs"]
mod corpus;

use cli::Cli;
use corpus::Corpus;
use std::error::Error;
use unspool::prelude::*;
use unspool::text::ngram::{NgramCounts, NgramModel, Smoothing};
use unspool::text::perplexity;

const USAGE: &str = "
Language models by counting n-grams.

--text FILE     a text in UTF-8; without it, the documents of this project
--tokenized     the text is tokenized: split it at spaces only, and keep its <unk>
--characters    characters instead of words
--order 6       the largest n
--k 0.01        how often add-k smoothing counts what was not seen
--prompt TEXT   predict what comes after it
";

fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::read(USAGE);
    let corpus = Corpus::read(&cli)?;
    let counts = NgramCounts::new(&corpus.train, cli.get("order"), corpus.vocabulary.len());

    println!("Sparsity and storage");
    println!(" n  held-out n-grams never seen  different n-grams  counted once      MiB");
    for n in 1..=counts.order() {
        let unseen = 100.0 * counts.unseen(&corpus.held_out, n);
        let (distinct, mib) = (counts.distinct(n), counts.bytes(n) as f64 / f64::from(1 << 20));
        let once = 100.0 * counts.once(n) as f64 / distinct as f64;
        println!("{n:>2}  {unseen:>27.1}%  {distinct:>17}  {once:>11.1}%  {mib:>7.2}");
    }

    println!("\nPerplexity of what was counted, and of what was held out");
    println!(" n  maximum likelihood: counted   held out      add-k  stupid back-off (*)  Kneser-Ney");
    for n in 1..=counts.order() {
        let counted = perplexity_of(&counts, n, Smoothing::MaximumLikelihood, &corpus.train);
        let [likelihood, add_k, backoff, kneser_ney] = [
            Smoothing::MaximumLikelihood,
            Smoothing::AddK(cli.get("k")),
            Smoothing::StupidBackoff(0.4),
            Smoothing::KneserNey,
        ]
        .map(|smoothing| perplexity_of(&counts, n, smoothing, &corpus.held_out));
        println!("{n:>2} {counted:>28.3} {likelihood:>10.3} {add_k:>10.3} {backoff:>20.3} {kneser_ney:>11.3}");
    }
    println!("(*) of its scores, which do not sum to 1: it looks better than it is");

    if !corpus.prompt.is_empty() {
        let (vocabulary, order) = (&corpus.vocabulary, counts.order());
        println!("\nAfter {:?}, by Kneser-Ney with n = {order}", vocabulary.decode(&corpus.prompt));
        let next = NgramModel::new(&counts, order, Smoothing::KneserNey).next(&corpus.prompt);
        let scores = Tensor::from_vec(next, [vocabulary.len()]).map(f64::ln);
        for (token, probability) in vocabulary.top_k(&scores, 8) {
            println!("{probability:.4}  {token:?}");
        }
    }
    Ok(())
}

/// The perplexity of the tokens of a text, each predicted from the n - 1 before it.
fn perplexity_of(counts: &NgramCounts, n: usize, smoothing: Smoothing, tokens: &[usize]) -> f64 {
    perplexity(NgramModel::new(counts, n, smoothing).cross_entropy(tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_contexts_predict_better_where_they_were_seen() {
        let text = "to be , or not to be : that is the question . ".repeat(20);
        let corpus = Corpus::new(text.split_whitespace(), "to be".split(' ')).unwrap();
        let counts = NgramCounts::new(&corpus.train, 4, corpus.vocabulary.len());
        let [one, two, four] = [1, 2, 4].map(|n| perplexity_of(&counts, n, Smoothing::AddK(0.001), &corpus.train));
        // Of 13 words, "to" and "be" occur twice; what comes after "to be" depends on the word before.
        let of_words = 9.0 / 13.0 * 13f64.ln() + 4.0 / 13.0 * 6.5f64.ln();
        let of_pairs = 2.0 / 13.0 * 2f64.ln();
        let is = |perplexity: f64, nats: f64| (perplexity / nats.exp() - 1.0).abs() < 0.03;
        assert!(is(one, of_words) && is(two, of_pairs) && is(four, 0.0), "{one} {two} {four}");
        assert_eq!(corpus.vocabulary.decode(&corpus.prompt), ["to", "be"]);
    }
}
