//! Which language is a name from? One class for a whole sequence of characters: sequence to vector.
//!
//! ```text
//! cargo run --release --example names
//! cargo run --release --example names -- --predict Kowalczyk --predict Andersson
//! cargo run --release --example names -- --data sentences.txt
//! ```
//!
//! A recurrent layer reads a name character by character, and its output after the last character
//! of each name is scored for each language. The file has a line for each name: the label, a tab,
//! the text. The example's own file has 60 names in each of eight languages. A fifth of each label
//! is held out.

#![forbid(unsafe_code)]

#[path = "../shared/print.rs"]
mod print;
mod task;

use clap::{Parser, builder::RangedU64ValueParser};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use task::Task;
use unspool::layers::Model;
use unspool::losses::cross_entropy;
use unspool::prelude::*;
use unspool::train::{accuracy, predict_lengths};
use unspool::{dropout, evaluate, gru};

/// Classify short texts by their characters, with a GRU.
#[derive(Parser)]
#[command(name = "names")]
struct Options {
    /// A file of lines with a label, a tab and a text; without it, names in eight languages
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// The number of units
    #[arg(long, value_name = "H", default_value_t = 64, value_parser = between::<usize>(1, 4096))]
    hidden: usize,
    /// The number of epochs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = between::<usize>(1, 10_000))]
    epochs: usize,
    /// The seed of the initial weights, the order, dropout and the held-out texts
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Predict the label of this text; may be given several times
    #[arg(long, value_name = "TEXT")]
    predict: Vec<String>,
}

/// Texts per step of training.
const BATCH: usize = 16;
/// The part of what the GRU found that is left out in training.
const DROPOUT: f64 = 0.5;
/// How many of the most probable labels are shown.
const SHOWN: usize = 3;

fn between<T: TryFrom<u64>>(least: u64, most: u64) -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(least..=most)
}

fn main() -> ExitCode {
    match run(&Options::parse()).and_then(|(_, report)| print::print(&report)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("names: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Trains; returns the accuracy on what was held out, and a report.
fn run(options: &Options) -> Result<(f64, String), String> {
    let task = match &options.data {
        Some(file) => Task::load(file, options.seed)?,
        None => Task::names(options.seed),
    };
    // Before the training, so that a text that cannot be read is found at once.
    let asked: Vec<Vec<usize>> =
        options.predict.iter().map(|text| task.encode_known(text)).collect::<Result<_, _>>()?;
    let (train, test) = (task.dataset(&task.train)?, task.dataset(&task.test)?);

    let (inputs, classes) = (task.vocabulary.len(), task.labels.len());
    let mut model = sequential()
        .seed(options.seed)
        .add(gru(inputs, options.hidden))
        .add(dropout(DROPOUT))
        .add(dense(options.hidden, classes));
    let history = fit(&mut model, &train)
        .loss(cross_entropy)
        .optimizer(Adam::default().learning_rate(3e-3).clip_norm(1.0))
        .bucket_by_length()
        .batch_size(BATCH)
        .epochs(options.epochs)
        .seed(options.seed)
        .quiet()
        .run()
        .map_err(|e| format!("training: {e}"))?;

    let [learned, right] = [&train, &test].map(|part| evaluate(&model, part, accuracy));
    let mut report = format!(
        "{} texts to learn from, {} held out; {classes} labels, {inputs} characters; GRU({}), {} parameters, {:.1} seconds\n",
        train.len(),
        test.len(),
        options.hidden,
        model.parameter_count(),
        history.seconds
    );
    let (learned, held_out) = (100.0 * learned, 100.0 * right);
    let _ = writeln!(report, "accuracy {learned:.1}% of those learned from, {held_out:.1}% of those held out\n");
    let said = predict_lengths(&model, test.x(), test.lengths().expect("told")).argmax(1);
    let table = confusion(&task.test.iter().map(|example| example.label).collect::<Vec<_>>(), said.as_slice(), classes);
    report += &confusion_text(&task.labels, &table);
    for (text, tokens) in options.predict.iter().zip(&asked) {
        let _ = writeln!(report, "\n{text}");
        for (label, probability) in ranked(&model, &task, tokens).into_iter().take(SHOWN) {
            let _ = writeln!(report, "{:>6.1}%  {label}", 100.0 * probability);
        }
    }
    Ok((right, report))
}

/// How many texts of each label, the row, are taken for each, the column.
fn confusion(right: &[usize], said: &[usize], classes: usize) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; classes]; classes];
    right.iter().zip(said).for_each(|(&right, &said)| table[right][said] += 1);
    table
}

fn confusion_text(labels: &[String], table: &[Vec<usize>]) -> String {
    let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(4);
    let heads: Vec<String> = labels.iter().map(|label| label.chars().take(4).collect()).collect();
    let mut text = format!("{:<width$}  taken for\n", "");
    let _ = writeln!(text, "{:<width$}  {}", "", heads.iter().map(|head| format!("{head:>5}")).collect::<String>());
    for (label, row) in labels.iter().zip(table) {
        let counts = row.iter().map(|count| format!("{count:>5}")).collect::<String>();
        let _ = writeln!(text, "{label:<width$}  {counts}");
    }
    text
}

/// The labels and their probabilities for one text, the most probable first.
fn ranked<'a, M>(model: &M, task: &'a Task, tokens: &[usize]) -> Vec<(&'a str, f64)>
where
    M: for<'t> Model<'t, f32> + Sync,
{
    let scores = predict(model, &task.one_hot(tokens).unsqueeze(1));
    let tape = Tape::new();
    let probabilities = tape.constant(&scores).softmax(1).value().to_vec().into_iter().map(f64::from);
    let mut ranked: Vec<_> = task.labels.iter().map(String::as_str).zip(probabilities).collect();
    ranked.sort_by(|(_, p), (_, q)| q.total_cmp(p));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Options {
        Options::try_parse_from([&["names"], arguments].concat()).expect("valid arguments")
    }

    #[test]
    fn names_are_told_apart() {
        let (right, report) = run(&options(&["--epochs", "15", "--predict", "Tanaka"])).unwrap();
        assert!(right > 0.5, "{right}"); // by chance, one in eight
        assert!(report.contains("taken for") && report.contains("\nTanaka\n"), "{report}");
    }

    #[test]
    fn the_character_that_decides_may_be_anywhere() {
        let ends = ["", "a", "b", "aa", "bb"];
        let text = |i: usize| format!("{}\t{}q{}{}\n", i % 2, "ab".repeat(i / 10), ["x", "y"][i % 2], ends[i / 2 % 5]);
        let text: String = (0..40).map(text).collect();
        let task = Task::new(&text, 0).unwrap();
        let data = task.dataset(&task.train).unwrap();
        let mut model = sequential().add(gru(task.vocabulary.len(), 8)).add(dense(8, 2));
        let adam = Adam::default().learning_rate(2e-2);
        fit(&mut model, &data)
            .loss(cross_entropy)
            .optimizer(adam)
            .bucket_by_length()
            .batch_size(8)
            .epochs(40)
            .quiet()
            .run()
            .unwrap();
        assert_eq!(evaluate(&model, &task.dataset(&task.test).unwrap(), accuracy), 1.0);
        // Alone as among others: padding changes nothing.
        for (text, label) in [("ababqx", "0"), ("qy", "1")] {
            assert_eq!(ranked(&model, &task, &task.encode_known(text).unwrap())[0].0, label, "{text}");
        }
    }

    #[test]
    fn a_table_of_confusions() {
        assert_eq!(confusion(&[0, 0, 1, 2], &[0, 1, 1, 0], 3), [[1, 1, 0], [0, 1, 0], [1, 0, 0]]);
    }

    #[test]
    fn characters_of_a_name_must_be_known() {
        let said = run(&options(&["--predict", "Иван"])).unwrap_err();
        assert!(said.starts_with("cannot read \"Иван\": \"и\" is not among the "), "{said}");
        let said = run(&options(&["--predict", " "])).unwrap_err();
        assert_eq!(said, "cannot read \" \": it has no character");
    }

    #[test]
    fn arguments_out_of_range_are_refused() {
        for option in ["--hidden", "--epochs"] {
            let refused = Options::try_parse_from(["names", option, "0"]).err().expect("refused").to_string();
            assert!(refused.contains(option), "{refused}");
        }
    }
}
