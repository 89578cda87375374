//! Translation: dates as people write them into one format, or sentences from a file into another
//! language.
//!
//! ```text
//! cargo run --release --example translate
//! cargo run --release --example translate -- --translate "mon 22 april 2019" --picture attention.svg
//! cargo run --release --example translate -- --pairs eng-fra.txt --beam 4 --save french.safetensors
//! cargo run --release --example translate -- --load french.safetensors --translate "I am here."
//! ```
//!
//! Dates are translated character by character; 2,000 days are held out, and the model never sees
//! one of them in any format. Sentences are translated word by word; a tenth of them is held out,
//! with all of its translations.

#![forbid(unsafe_code)]

mod data;
mod dates;
mod model;
#[path = "../shared/output.rs"]
mod output;
mod pairs;
mod picture;
#[path = "../shared/print.rs"]
mod print;
mod report;
mod saved;
#[cfg(test)]
mod tests;
mod training;

use clap::{Parser, builder::RangedU64ValueParser};
use data::{Languages, Pair, Sentences, Unit};
use model::{Sizes, Translator};
use saved::Trained;
use std::path::PathBuf;
use std::process::ExitCode;
use training::Settings;
use unspool::prelude::*;

/// Learn to translate with an encoder, a decoder, and attention.
#[derive(Parser)]
#[command(name = "translate")]
struct Options {
    /// Sentence pairs in UTF-8, one per line: a sentence, a tab, its translation; without it, dates
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// The sentences are already tokenized: split them at spaces only, and keep their <unk>
    #[arg(long, requires = "pairs")]
    tokenized: bool,
    /// The number of dates to train on
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = between(100, 70_000), conflicts_with = "pairs")]
    dates: usize,
    /// How often a word must occur in the sentences to be in the vocabulary and not <unk>
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = between(1, 1_000_000))]
    minimum_count: usize,
    /// Give the decoder only the encoder's last state
    #[arg(long)]
    no_attention: bool,
    /// The probability of teacher forcing at each step of the decoder; otherwise it is fed its own
    /// output
    #[arg(long, value_name = "R", default_value_t = 1.0, value_parser = ratio)]
    teacher_ratio: f64,
    /// The units of each direction of the encoder, and half of the decoder's; default: 64 for
    /// dates, 128 for sentences
    #[arg(long, value_name = "H", value_parser = between(1, UNITS))]
    hidden: Option<usize>,
    /// The number of epochs; default: 6 for dates, 20 for sentences
    #[arg(long, value_name = "N", value_parser = between(1, 10_000))]
    epochs: Option<usize>,
    /// The seed of the initial weights and the order of the pairs
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// The number of hypotheses that beam search keeps
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = between(1, 100))]
    beam: usize,
    /// Translate this at the end
    #[arg(long, value_name = "TEXT")]
    translate: Option<String>,
    /// Plot where the decoder looks while it translates that, or the first held-out pair, to this
    /// SVG file
    #[arg(long, value_name = "FILE", conflicts_with = "no_attention")]
    picture: Option<PathBuf>,
    /// Save the trained model
    #[arg(long, value_name = "FILE", conflicts_with = "load")]
    save: Option<PathBuf>,
    /// Use a saved model instead of training one; with --translate it needs no pairs, and tests
    /// nothing
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,
}

/// The maximum number of units of a direction of the encoder.
const UNITS: u64 = 2048;

fn between(least: u64, most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..=most)
}

fn ratio(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "it must be a number from 0 to 1".to_string())
}

fn main() -> ExitCode {
    match run(&Options::parse()).and_then(|report| print::print(&report)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("translate: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<String, String> {
    // Before the training, so that a mistake is found at once.
    for file in [&options.save, &options.picture].into_iter().flatten() {
        output::check(file)?;
    }
    let (trained, test) = match (&options.load, &options.translate) {
        (Some(file), Some(_)) => (Trained::load(file)?, Sentences::new()),
        _ => prepare(options)?,
    };
    if let Some(file) = &options.save {
        trained.save(file)?;
    }
    let mut report = if test.is_empty() { String::new() } else { report::tested(&trained, &test, options.beam)? };
    if let Some(text) = &options.translate {
        report += &report::translated(&trained, text, options.beam)?;
    }
    let text = options.translate.as_ref().or(test.first().map(|(source, _)| source));
    if let (Some(file), Some(text)) = (&options.picture, text) {
        output::write(file, &picture::of(&trained, text)?)?;
    }
    Ok(report)
}

/// A trained or loaded model, and the sentences to test it on.
fn prepare(options: &Options) -> Result<(Trained, Sentences), String> {
    let (unit, [train, test]) = sentences(options)?;
    let minimum_count = if unit != Unit::Characters { options.minimum_count } else { 1 };
    let languages = Languages::new(unit, minimum_count, &train).map_err(|e| match &options.pairs {
        Some(file) => format!("{}: {e}", file.display()),
        None => e.to_string(),
    })?;
    if let Some(file) = &options.load {
        return Ok((Trained::load(file)?.fitting(&languages, file)?, test));
    }
    // Here, too.
    options.translate.as_deref().map(|text| languages.encode(text)).transpose()?;
    let model = train_model(options, &languages, &languages.pairs(&train)?)?;
    Ok((Trained { languages, model }, test))
}

/// What is learned from, and what is held out.
fn sentences(options: &Options) -> Result<(Unit, [Sentences; 2]), String> {
    let Some(file) = &options.pairs else { return Ok((Unit::Characters, dates::make(options.dates))) };
    let parts = pairs::split(pairs::read(file)?).map_err(|sentence| format!("{}: {sentence}", file.display()))?;
    let unit = if options.tokenized { Unit::Tokenized } else { Unit::Words };
    let marked = parts.iter().flatten().any(|(source, target)| source.contains("<unk>") || target.contains("<unk>"));
    if marked && unit == Unit::Words {
        eprintln!("{}: <unk> stands in it and is cut into three words; --tokenized keeps it whole", file.display());
    }
    Ok((unit, parts))
}

fn train_model(options: &Options, languages: &Languages, train: &[Pair]) -> Result<Translator<Tensor>, String> {
    // Sentences are few and words many: without dropout these are learned by heart.
    let (hidden, epochs, learning_rate, dropout) = match languages.unit {
        Unit::Characters => (64, 6, 4e-3, 0.0),
        Unit::Words | Unit::Tokenized => (128, 20, 3e-3, 0.3),
    };
    let sizes = Sizes {
        source: languages.source.len(),
        target: languages.target.len(),
        hidden: options.hidden.unwrap_or(hidden),
        attention: !options.no_attention,
    };
    let mut model = Translator::new(&mut rng(options.seed), sizes);
    model.dropout = dropout;
    eprintln!(
        "{} pairs to learn from, {} and {} {}, {} parameters",
        train.len(),
        sizes.source,
        sizes.target,
        languages.unit.name(),
        model.parameter_count()
    );
    let (epochs, teacher_ratio) = (options.epochs.unwrap_or(epochs), options.teacher_ratio);
    training::train(&mut model, train, &Settings { epochs, learning_rate, teacher_ratio, seed: options.seed })?;
    Ok(model)
}
