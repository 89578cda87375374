//! Language models by counting: n-grams of words or characters, four ways to smooth them, and their
//! two problems.
//!
//! ```text
//! cargo run --release --example ngram
//! cargo run --release --example ngram -- --text book.txt --prompt "to be or not"
//! cargo run --release --example ngram -- --text book.txt --characters
//! ```
//!
//! Without `--text` it reads this project's own documents. The models count the first nine tenths
//! of a text and are tested on the last tenth.

#![forbid(unsafe_code)]

#[path = "../language_model/corpus.rs"]
mod corpus;
#[path = "../shared/output.rs"]
mod output;
mod picture;
#[path = "../shared/print.rs"]
mod print;
mod report;

use clap::{Parser, builder::RangedU64ValueParser};
use corpus::{Corpus, Unit};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use unspool::text::ngram::NgramCounts;

/// Count the n-grams of a text and predict the next word or character from them.
#[derive(Parser)]
#[command(name = "ngram")]
struct Options {
    /// A text of your own, in UTF-8; without it, the documents of this project
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// The largest n: how many words or characters in a row are counted
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = RangedU64ValueParser::<usize>::new().range(1..=10))]
    order: usize,
    /// Model characters instead of words
    #[arg(long)]
    characters: bool,
    /// The text is already tokenized: split it at spaces only, and keep its <unk>
    #[arg(long, conflicts_with = "characters")]
    tokenized: bool,
    /// How often a word must occur in the text to be counted as itself and not as <unk>; default: 2
    /// for words, 1 for characters
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    minimum_count: Option<usize>,
    /// The k of add-k smoothing
    #[arg(long, value_name = "K", default_value_t = 0.01, value_parser = positive)]
    k: f64,
    /// Predict what follows these words
    #[arg(long, value_name = "WORDS")]
    prompt: Option<String>,
    /// Plot sparsity, storage and perplexity against n to this SVG file
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && number.is_finite());
    number.ok_or_else(|| "it must be a number above 0".to_string())
}

fn main() -> ExitCode {
    match run(&Options::parse()).and_then(|report| print::print(&report)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("ngram: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<String, String> {
    let (unit, said) = match options.characters {
        true => (Unit::Characters, "gradien"),
        false => (Unit::words(options.tokenized), "the gradient"),
    };
    let least = (10 * options.order, format!("up to n = {}", options.order));
    let corpus = Corpus::load(options.text.as_deref(), unit, options.minimum_count, least)?;
    // Before the counting, so that a prompt with a mistake is found at once.
    let prompt = options.prompt.as_deref().or(options.text.is_none().then_some(said));
    let prompt = prompt.map(|prompt| corpus::prompt(&corpus.vocabulary, unit, prompt)).transpose()?;
    options.picture.as_deref().map(output::check).transpose()?;
    let started = Instant::now();
    let counts = NgramCounts::new(&corpus.train, options.order, corpus.vocabulary.len());
    let seconds = started.elapsed().as_secs_f64();
    let mut report = report::head(&corpus, seconds);
    report += &report::perplexities(&corpus, &counts, options.k);
    report += &report::troubles(&corpus, &counts);
    if let Some(prompt) = prompt {
        report += &report::next(&corpus, &counts, &prompt);
    }
    if let Some(file) = &options.picture {
        output::write(file, &picture::of(&corpus, &counts, options.k)?)?;
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(arguments: &[&str]) -> Result<String, String> {
        run(&Options::try_parse_from(["ngram"].iter().chain(arguments)).expect("valid arguments"))
    }

    /// What is said of a file with this content.
    fn said_of(name: &str, content: &[u8], arguments: &[&str]) -> String {
        let file = std::env::temp_dir().join(format!("ngram-{}-{name}.txt", std::process::id()));
        std::fs::write(&file, content).unwrap();
        let path = file.to_str().unwrap();
        let said = ran(&[&["--text", path], arguments].concat()).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        said.replace(path, "FILE")
    }

    #[test]
    fn a_picture_is_drawn_by_n() {
        let file = std::env::temp_dir().join(format!("ngram-{}.svg", std::process::id()));
        ran(&["--order", "4", "--picture", file.to_str().unwrap()]).unwrap();
        let picture = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(picture.matches("<circle").count(), 4 + 4 + 3 * 4);
        let said = ran(&["--picture", "/nowhere/ngram.svg"]).unwrap_err();
        assert!(said.starts_with("cannot write /nowhere/ngram.svg: "), "{said}");
    }

    #[test]
    fn the_projects_own_text_is_counted() {
        for arguments in [&["--order", "3", "--prompt", "the gradient"][..], &["--order", "4", "--characters"]] {
            let report = ran(arguments).unwrap();
            assert!(report.contains("Kneser-Ney") && report.contains("never seen"), "{report}");
        }
    }

    #[test]
    fn texts_that_cannot_be_counted_are_refused_with_a_sentence() {
        assert_eq!(said_of("empty", b"", &[]), "FILE is empty: a text is needed");
        let short = "FILE has 1 word: up to n = 6 a text needs at least 60, the last tenth of which is held out";
        assert_eq!(said_of("one", b"word", &[]), short);
        assert_eq!(said_of("spaces", b"  ", &[]), short.replace("1 word", "0 words"));
        assert_eq!(said_of("one-character", b"x", &["--characters"]), short.replace("word", "character"));
        assert_eq!(said_of("latin-1", b"un caf\xe9", &[]), "FILE: line 1 is not UTF-8 text");
        let rare: String = (0..100).map(|i| format!("w{i} ")).collect();
        assert_eq!(said_of("rare", rare.as_bytes(), &[]), "FILE: none of 90 different tokens occurs 2 times or more");
        let missing = ran(&["--text", "/nowhere/book.txt"]).unwrap_err();
        assert!(missing.starts_with("cannot read /nowhere/book.txt: "), "{missing}");
    }

    #[test]
    fn words_of_a_prompt_must_be_known() {
        let said = ran(&["--prompt", "the xyzzy"]).unwrap_err();
        assert!(said.starts_with("the prompt: \"xyzzy\" is not among the "), "{said}");
        let said = ran(&["--characters", "--prompt", "ж"]).unwrap_err();
        assert!(said.starts_with("the prompt: \"ж\" is not among the "), "{said}");
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        for option in ["--order", "--minimum-count", "--k"] {
            let refused = Options::try_parse_from(["ngram", option, "0"]).err().expect("refused").to_string();
            assert!(refused.contains(option), "{refused}");
        }
    }
}
