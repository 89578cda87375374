//! The fixed-window neural language model: the next word from the embeddings of the last n,
//! compared with n-gram counts.
//!
//! ```text
//! cargo run --release --example window_lm
//! cargo run --release --example window_lm -- --text book.txt --windows 4 --prompt "to be or not"
//! ```
//!
//! Bengio, Ducharme, Vincent and Jauvin 2003, "A neural probabilistic language model": the
//! embeddings of the last n words are concatenated; a tanh layer and a softmax follow. Looking up
//! an embedding is the product of a one-hot vector and a matrix, without the zeros.
//!
//! The words, the vocabulary and the held-out last tenth are those of the example `ngram`, and both
//! predict every held-out word. N-grams are counted in the whole training part; the network is
//! trained on its first 95% and stopped early by the rest, so the held-out text decides nothing.
//! Before the first word, a window is filled with `<unk>`.

#![forbid(unsafe_code)]

#[path = "../language_model/corpus.rs"]
mod corpus;
mod model;
#[path = "../shared/print.rs"]
mod print;
mod report;

use clap::{Parser, builder::RangedU64ValueParser};
use corpus::{Corpus, Unit};
use model::Examples;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use unspool::text::SpecialToken;

/// Predict a text from windows of words, and compare with n-gram counts.
#[derive(Parser)]
#[command(name = "window_lm")]
struct Options {
    /// A text of your own, in UTF-8; without it, the documents of this project
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// The window sizes in words: a network is trained for each
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_value = "1,2,4,8", value_parser = between::<usize>(1, 100))]
    windows: Vec<usize>,
    /// The largest n of the n-grams
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = between::<usize>(1, 10))]
    order: usize,
    /// Model characters instead of words
    #[arg(long)]
    characters: bool,
    /// The text is already tokenized: split it at spaces only, and keep its <unk>
    #[arg(long, conflicts_with = "characters")]
    tokenized: bool,
    /// How often a word must occur in the text to be in the vocabulary and not <unk>; default: 2
    /// for words, 1 for characters
    #[arg(long, value_name = "N", value_parser = between::<usize>(1, 1_000_000))]
    minimum_count: Option<usize>,
    /// The size of a word's embedding
    #[arg(long, value_name = "E", default_value_t = 64, value_parser = between::<usize>(1, 4096))]
    embedding: usize,
    /// The number of hidden units
    #[arg(long, value_name = "H", default_value_t = 128, value_parser = between::<usize>(1, 4096))]
    hidden: usize,
    /// Tie the output weights to the embeddings; there are then as many hidden units as the
    /// embedding size
    #[arg(long, conflicts_with = "hidden")]
    tied: bool,
    /// The dropout probability of embeddings and hidden units
    #[arg(long, value_name = "RATE", default_value_t = 0.4, value_parser = part)]
    dropout: f64,
    /// The decoupled weight decay, of all weights but biases
    #[arg(long, value_name = "DECAY", default_value_t = 0.1, value_parser = not_negative)]
    weight_decay: f64,
    /// The learning rate; it decays to 0 over all epochs along a cosine
    #[arg(long, value_name = "RATE", default_value_t = 3e-3, value_parser = not_negative)]
    rate: f64,
    /// The maximum number of epochs; training stops early when the validation loss stops improving
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = between::<usize>(1, 10_000))]
    epochs: usize,
    /// The seed of the initial weights, the order and dropout
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Predict what follows these words
    #[arg(long, value_name = "WORDS")]
    prompt: Option<String>,
}

/// One in so many words of the training part is for validation: the last.
const VALIDATION: usize = 20;

fn between<T: TryFrom<u64>>(least: u64, most: u64) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(least..=most)
}

fn part(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..1.0).contains(number));
    number.ok_or_else(|| "it must be a number from 0 to less than 1".to_string())
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0 && number.is_finite());
    number.ok_or_else(|| "it must be a number of at least 0".to_string())
}

fn main() -> ExitCode {
    match run(&Options::parse(), &mut |text| print::print(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("window_lm: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Each training takes a while, so what is found is said at once.
fn run(options: &Options, say: &mut dyn FnMut(String) -> Result<(), String>) -> Result<(), String> {
    let (unit, said) = match options.characters {
        true => (Unit::Characters, "gradien"),
        false => (Unit::words(options.tokenized), "the gradient"),
    };
    let least = (10 * options.order, format!("up to n = {}", options.order));
    let corpus = Corpus::load(options.text.as_deref(), unit, options.minimum_count, least)?;
    // Before the training, so that a prompt with a mistake is found at once.
    let prompt = options.prompt.as_deref().or(options.text.is_none().then_some(said));
    let prompt = prompt.map(|prompt| corpus::prompt(&corpus.vocabulary, unit, prompt)).transpose()?;
    let padding = corpus.vocabulary.special_token_id(SpecialToken::Unk).expect("a corpus has it");
    let counted = report::Counted::new(&corpus, options.order);
    say(report::head(&corpus, &counted))?;

    let mut best = None;
    for &window in &options.windows {
        let started = Instant::now();
        let examples = Examples::new(&corpus.train, window, padding)?;
        let held_back = (examples.len() / VALIDATION).max(1);
        let trained = model::train(&examples, held_back, options, corpus.vocabulary.len())?;
        let nats = model::nats(&trained.model, &Examples::new(&corpus.test, window, padding)?);
        say(report::line(&counted, &trained, &nats, started.elapsed().as_secs_f64()))?;
        let mean = report::mean(&nats);
        if best.as_ref().is_none_or(|(least, _, _)| mean < *least) {
            best = Some((mean, nats, trained));
        }
    }
    let (_, nats, trained) = best.expect("one window at least");
    say(report::sparsity(&corpus, &counted, &trained, &nats))?;
    if let Some(prompt) = prompt {
        say(report::next(&corpus, &trained, &prompt, padding))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: [&str; 10] = ["--windows", "2", "--embedding", "4", "--hidden", "8", "--epochs", "1", "--order", "3"];

    fn ran(arguments: &[&str]) -> Result<String, String> {
        let options = Options::try_parse_from([&["window_lm"], arguments].concat()).expect("valid arguments");
        let mut said = String::new();
        run(&options, &mut |text| {
            said += &text;
            Ok(())
        })
        .map(|()| said)
    }

    /// What is said of a file with this content.
    fn said_of(name: &str, content: &[u8], arguments: &[&str]) -> String {
        let file = std::env::temp_dir().join(format!("window-lm-{}-{name}.txt", std::process::id()));
        std::fs::write(&file, content).unwrap();
        let path = file.to_str().unwrap();
        let said = ran(&[&["--text", path], arguments].concat()).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        said.replace(path, "FILE")
    }

    #[test]
    fn the_projects_own_text_is_learned() {
        let said = ran(&[&SMALL[..], &["--prompt", "the gradient"]].concat()).unwrap();
        assert!(said.contains("Kneser-Ney") && said.contains("After [\"the\", \"gradient\"]"), "{said}");
        let said = ran(&[&SMALL[..], &["--characters"]].concat()).unwrap();
        assert!(said.contains("characters"), "{said}");
    }

    #[test]
    fn texts_that_cannot_be_learned_from_are_refused_with_a_sentence() {
        assert_eq!(said_of("empty", b"", &[]), "FILE is empty: a text is needed");
        assert_eq!(
            said_of("short", b"one word", &[]),
            "FILE has 2 words: up to n = 6 a text needs at least 60, the last tenth of which is held out"
        );
        assert_eq!(said_of("latin-1", b"ein\nM\xe4rchen", &[]), "FILE: line 2 is not UTF-8 text");
        let missing = ran(&["--text", "/nowhere/book.txt"]).unwrap_err();
        assert!(missing.starts_with("cannot read /nowhere/book.txt: "), "{missing}");
    }

    #[test]
    fn words_of_a_prompt_must_be_known() {
        let said = ran(&["--prompt", "the xyzzy"]).unwrap_err();
        assert!(said.starts_with("the prompt: \"xyzzy\" is not among the "), "{said}");
    }

    #[test]
    fn a_rate_that_is_too_high_is_told() {
        let said = ran(&[&SMALL[..], &["--rate", "1e30"]].concat()).unwrap_err();
        assert_eq!(said, "training diverged in epoch 1: a smaller --rate may help");
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        for [option, value] in [
            ["--windows", "2,0"],
            ["--order", "0"],
            ["--embedding", "0"],
            ["--hidden", "0"],
            ["--dropout", "1"],
            ["--weight-decay", "-1"],
            ["--rate", "x"],
            ["--epochs", "0"],
        ] {
            let refused = Options::try_parse_from(["window_lm", &format!("{option}={value}")]).err().expect("refused");
            assert!(refused.to_string().contains(option), "{refused}");
        }
    }
}
