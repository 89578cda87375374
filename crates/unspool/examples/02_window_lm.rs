//! The fixed-window neural language model: the next word from the embeddings of the last n, beside
//! n-gram counts.
//!
//! ```text
//! cargo run --release --example window_lm
//! cargo run --release --example window_lm -- --text book.txt --window 4 --prompt "to be or not"
//! ```
//!
//! Bengio, Ducharme, Vincent and Jauvin 2003, "A neural probabilistic language model". Unlike a
//! table of counts, the network can tell that two words are used alike.
//!
//! Both see the words of the example `ngram`. The network is trained on the first 95% of its part
//! and stopped early by the rest, so that the held-out text decides nothing.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;
#[path = "shared/corpus.rs"]
mod corpus;

use cli::Cli;
use corpus::Corpus;
use std::error::Error;
use unspool::losses::sparse_cross_entropy;
use unspool::optim::AdamW;
use unspool::optim::schedules::Cosine;
use unspool::prelude::*;
use unspool::text::ngram::{NgramCounts, NgramModel, Smoothing};
use unspool::text::{perplexity, token_windows};
use unspool::train::EarlyStopping;

const USAGE: &str = "
A language model with a fixed window of words, beside n-gram counts.

--text FILE          a text in UTF-8; without it, the documents of this project
--tokenized          the text is tokenized: split it at spaces only, and keep its <unk>
--characters         characters instead of words
--window 4           the number of words before the next one
--embedding 64       the size of a word's embedding
--dropout 0.4        the dropout probability of embeddings and hidden units
--epochs 10          at most; training stops early when the validation loss stops improving
--rate 0.003         the learning rate, which falls to 0 along a cosine
--weight-decay 0.1   the decoupled weight decay, of all weights but biases
--order 6            the largest n of the n-grams
--prompt TEXT        predict what comes after it
";

const BATCH_SIZE: usize = 256;

/// `softmax(tanh([e(w_1) .. e(w_n)] W + b) E + d)`, where e looks up the embedding of a word, and E
/// holds those of all words (tied weights: Press and Wolf 2017).
#[derive(Params)]
struct WindowModel<P> {
    words: Embedding<P>,
    hidden: Dense<P>,
    /// d.
    bias: P,
    dropout: f64,
}

impl WindowModel<Tensor> {
    /// A model that predicts at first how often each of the tokens occurs.
    fn new(tokens: &[usize], classes: usize, window: usize, size: usize, dropout: f64) -> Self {
        let mut counts = vec![1; classes];
        tokens.iter().for_each(|&token| counts[token] += 1);
        let frequency = |token: usize| counts[token] as f32 / (tokens.len() + classes) as f32;
        let (rng, bias) = (&mut rng(0), Tensor::from_fn([classes], |token| frequency(token).ln()));
        let (words, hidden) = (Embedding::new(rng, classes, size), Dense::new(rng, window * size, size));
        WindowModel { words, hidden, bias, dropout }
    }
}

/// A layer over indices: windows `[n, B]` to scores `[B, V]`.
impl<'t> Layer<'t, f32, Indices> for WindowModel<Var<'t>> {
    type Output = Var<'t>;

    fn apply(&self, windows: Indices, cx: Context<'_>) -> Var<'t> {
        let embeddings = flatten().apply(self.words.apply(windows, cx), cx); // [n, B, E] to [B, n E]
        let h = self.hidden.apply(cx.fold_in(0).dropout(embeddings, self.dropout), cx).tanh();
        cx.fold_in(1).dropout(h, self.dropout).linear(self.words.weight.t(), self.bias)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let cli = Cli::read(USAGE);
    let corpus = Corpus::read(&cli)?;
    let (classes, window) = (corpus.vocabulary.len(), cli.get("window"));

    println!("perplexity of what is held out\n n-grams, Kneser-Ney");
    let counts = NgramCounts::new(&corpus.train, cli.get("order"), classes);
    let of_ngrams: Vec<Vec<f64>> = (1..=counts.order()).map(|n| ngram_nats(&counts, n, &corpus.held_out)).collect();
    for (n, nats) in (1..).zip(&of_ngrams) {
        println!("{n:>20} {:>10.3}", perplexity(mean(nats)));
    }

    let data = examples(&corpus.train, window)?;
    let steps = (data.len() * 19 / 20).div_ceil(BATCH_SIZE) * cli.get::<usize>("epochs");
    let mut model = WindowModel::new(&corpus.train, classes, window, cli.get("embedding"), cli.get("dropout"));
    let adamw = AdamW::default()
        .learning_rate(cli.get("rate"))
        .schedule(Cosine::new(steps))
        .weight_decay(cli.get("weight-decay"))
        .group("*bias", |g| g.weight_decay(0.0))
        .clip_norm(1.0);
    let history = fit(&mut model, &data)
        .loss(sparse_cross_entropy)
        .optimizer(adamw)
        .batch_size(BATCH_SIZE)
        .epochs(cli.get("epochs"))
        .validation_split(0.05)
        .callback(EarlyStopping::new(3))
        .run()?;
    let of_window = window_nats(&model, &examples(&corpus.held_out, window)?);
    let best = of_ngrams.iter().min_by(|a, b| mean(a).total_cmp(&mean(b))).ok_or("--order must be at least 1")?;
    let mixed = |(a, b): (&f64, &f64)| -(0.5 * ((-a).exp() + (-b).exp())).ln();
    let mixed: Vec<f64> = best.iter().zip(&of_window).map(mixed).collect();
    println!(" window of {window:<10} {:>10.3}   {:.1} s", perplexity(mean(&of_window)), history.seconds);
    println!(" mean of the window's and the best n-grams' probabilities {:>10.3}", perplexity(mean(&mixed)));

    // Where an n-gram was never seen, the counts know only shorter ones.
    let n = counts.order().min(3);
    println!("\nwhere the last {n} tokens      share  perplexity: n-grams     window");
    for (name, seen) in [("occur in training", true), ("never occur in training", false)] {
        let held_out = &corpus.held_out;
        let is_seen = |i: usize| counts.count(&held_out[(i + 1).saturating_sub(n)..=i]) > 0;
        let chosen: Vec<usize> = (0..held_out.len()).filter(|&i| is_seen(i) == seen).collect();
        let of = |nats: &[f64]| perplexity(mean(&chosen.iter().map(|&i| nats[i]).collect::<Vec<_>>()));
        let share = 100.0 * chosen.len() as f64 / held_out.len() as f64;
        println!("{name:<24} {share:>6.1}% {:>20.3} {:>10.3}", of(best), of(&of_window));
    }

    if !corpus.prompt.is_empty() {
        println!("\nAfter {:?}, by the network", corpus.vocabulary.decode(&corpus.prompt));
        // The last window is that before a token that does not matter.
        let windows = examples(&[&corpus.prompt[..], &[0]].concat(), window)?;
        let scores = predict(&model, &windows.select(&[corpus.prompt.len()]));
        for (token, probability) in corpus.vocabulary.top_k(&scores, 8) {
            println!("{probability:.4}  {token:?}");
        }
    }
    Ok(())
}

/// An example for each of the tokens. Before the first, a window is filled with `<unk>`, token 0.
fn examples(tokens: &[usize], window: usize) -> Result<Dataset<Indices>, Box<dyn Error>> {
    let (windows, next) = token_windows(&[&vec![0; window], tokens].concat(), window)?;
    Ok(Dataset::classes(windows, next)?)
}

/// -ln p of each token, by an n-gram model.
fn ngram_nats(counts: &NgramCounts, n: usize, tokens: &[usize]) -> Vec<f64> {
    let model = NgramModel::new(counts, n, Smoothing::KneserNey);
    tokens.iter().enumerate().map(|(i, &token)| -model.probability(&tokens[..i], token).ln()).collect()
}

/// -ln p of each token, by a window model.
fn window_nats(model: &WindowModel<Tensor>, data: &Dataset<Indices>) -> Vec<f64> {
    let nats = |batch: Dataset<Indices>| {
        let tape = Tape::new();
        let scores = tape.bind_frozen(model).forward(batch.x().clone());
        let next = batch.y().reshape([batch.len(), 1]);
        (-scores.log_softmax(1).gather(1, next)).value().to_vec()
    };
    data.batches(BATCH_SIZE).flat_map(nats).map(f64::from).collect()
}

fn mean(nats: &[f64]) -> f64 {
    nats.iter().sum::<f64>() / nats.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What follows 1 depends on the token three before.
    #[test]
    fn a_longer_window_sees_more() {
        let tokens: Vec<usize> = (0..600).map(|i| [0, 1, 2, 0, 1, 3][i % 6]).collect();
        let learned = |window| {
            let (data, mut model) = (examples(&tokens, window).unwrap(), WindowModel::new(&tokens, 4, window, 8, 0.0));
            let adam = Adam::default().learning_rate(0.02);
            fit(&mut model, &data).loss(sparse_cross_entropy).optimizer(adam).epochs(20).quiet().run().unwrap();
            mean(&window_nats(&model, &data))
        };
        let [one, three] = [1, 3].map(learned);
        // Every third token is one of two, as likely.
        assert!((one - 2f64.ln() / 3.0).abs() < 0.02 && three < 0.05, "{one} {three}");
    }
}
