//! Translation: dates as people write them into one format, or sentences from a file into another
//! language.
//!
//! ```text
//! cargo run --release -p unspool-translate
//! cargo run --release -p unspool-translate -- --translate "mon 22 april 2019" --picture attention.svg
//! cargo run --release -p unspool-translate -- --pairs eng-fra.txt --beam 4 --save french.safetensors
//! cargo run --release -p unspool-translate -- --load french.safetensors --translate "I am here."
//! ```
//!
//! Dates are translated character by character; 2,000 days are held out, and the model never sees
//! one of them in any format. Sentences are translated word by word; a tenth of them is held out,
//! with all of its translations. The weights are those of the epoch that is best on a part for
//! validation. Ctrl-c ends training; with `--checkpoint FILE`, the same command resumes it.

#![forbid(unsafe_code)]

mod data;
mod dates;
mod model;
mod pairs;
mod picture;
#[path = "../../../unspool/examples/shared/print.rs"]
mod print;
mod report;
mod saved;
#[cfg(test)]
mod tests;
mod training;

use clap::{Parser, builder::RangedU64ValueParser};
use data::{Languages, Sentences, Unit};
use model::{Sizes, Translator};
use saved::Trained;
use std::path::PathBuf;
use std::process::ExitCode;
use training::Pairs;
use unspool::io::{check_writable, write_file};
use unspool::optim::schedules::Cosine;
use unspool::prelude::*;
use unspool::train::{EarlyStopping, Interrupt, StopReason};

/// Learn to translate with an encoder, a decoder, and attention.
#[derive(Parser)]
#[command(name = "translate")]
struct Options {
    /// Sentence pairs in UTF-8, one per line: a sentence, a tab, its translation; without it, dates
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// The sentences are already tokenized: split them at spaces only, and keep their `<unk>`
    #[arg(long, requires = "pairs")]
    tokenized: bool,
    /// The number of dates to train on
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = between(100, 70_000), conflicts_with = "pairs")]
    dates: usize,
    /// How often a word must occur in the sentences to be in the vocabulary and not `<unk>`
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
    #[arg(long, value_name = "H", value_parser = between(1, MAX_HIDDEN))]
    hidden: Option<usize>,
    /// The number of epochs; default: 6 for dates, 20 for sentences
    #[arg(long, value_name = "N", value_parser = between(1, 10_000))]
    epochs: Option<usize>,
    /// The seed of the initial weights and the order of the pairs
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Save a checkpoint to this file after each epoch and when interrupted; if there is one, the
    /// training resumes from it
    #[arg(long, value_name = "FILE", conflicts_with = "load")]
    checkpoint: Option<PathBuf>,
    /// The number of hypotheses that beam search keeps
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = between(1, 100))]
    beam: usize,
    /// Translate this at the end
    #[arg(long, value_name = "TEXT")]
    translate: Option<String>,
    /// Plot the attention weights of that translation, or of the first held-out pair, to this SVG
    /// file
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
const MAX_HIDDEN: u64 = 2048;

fn between(least: u64, most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(least..=most)
}

fn ratio(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "it must be a number from 0 to 1".to_string())
}

fn main() -> ExitCode {
    let options = Options::parse();
    // Nothing but a training is worth keeping when it is interrupted.
    let interrupt = if options.load.is_some() { Ok(Interrupt::new()) } else { Interrupt::on_ctrl_c() };
    let report = interrupt.map_err(|e| e.to_string()).and_then(|interrupt| run(&options, &interrupt));
    match report.and_then(|report| print::print(&report)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("translate: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options, interrupt: &Interrupt) -> Result<String, String> {
    // Before the training, so that a mistake is found at once.
    for file in [&options.save, &options.picture].into_iter().flatten() {
        check_writable(file).map_err(|e| e.to_string())?;
    }
    let (trained, test) = match (&options.load, &options.translate) {
        (Some(file), Some(_)) => (Trained::load(file)?, Sentences::new()),
        _ => trained(options, interrupt)?,
    };
    if let Some(file) = &options.save {
        trained.save(file)?;
    }
    let mut report = if test.is_empty() { String::new() } else { report::tested(&trained, &test, options.beam)? };
    if let Some(text) = &options.translate {
        report += &report::translated(&trained, text, options.beam)?;
    }
    if let (Some(file), Some(text)) =
        (&options.picture, options.translate.as_ref().or(test.first().map(|pair| &pair.0)))
    {
        write_file(file, picture::of(&trained, text)?).map_err(|e| e.to_string())?;
    }
    Ok(report)
}

/// A trained or loaded model, and the sentences to test it on.
fn trained(options: &Options, interrupt: &Interrupt) -> Result<(Trained, Sentences), String> {
    let (unit, [train, valid, test]) = match &options.pairs {
        None => (Unit::Characters, dates::make(options.dates)),
        Some(file) => (if options.tokenized { Unit::Tokenized } else { Unit::Words }, pairs::read(file)?),
    };
    if let Some(file) = &options.load {
        return Ok((Trained::load(file)?, test));
    }
    let languages = Languages::new(unit, options.minimum_count, &train).map_err(|e| e.to_string())?;
    options.translate.as_deref().map(|text| languages.encode(text)).transpose()?; // a mistake in it
    // Sentences are few and words many: without dropout the model learns them by heart.
    let (hidden, epochs, learning_rate, dropout) = match unit {
        Unit::Characters => (64, 6, 4e-3, 0.0),
        Unit::Words | Unit::Tokenized => (128, 20, 3e-3, 0.3),
    };
    let (hidden, epochs) = (options.hidden.unwrap_or(hidden), options.epochs.unwrap_or(epochs));
    let (source, target, attention) = (languages.source.len(), languages.target.len(), !options.no_attention);
    let mut model = Translator::new(&mut rng(options.seed), Sizes { source, target, hidden, attention });
    model.dropout = dropout;
    let (pairs, count) = (train.len(), model.parameter_count());
    eprintln!("{pairs} pairs to train on, {source} and {target} {unit}, {count} parameters");

    let [train, valid] = [languages.pairs(&train)?, languages.pairs(&valid)?];
    let mut task = Pairs { train, valid, teacher_ratio: options.teacher_ratio, ..Pairs::default() };
    let steps = epochs * pairs.div_ceil(training::BATCH);
    let schedule = Cosine::new(steps).warmup((steps / 10).min(200));
    let mut fit = fit(&mut model, &mut task)
        .optimizer(Adam::default().learning_rate(learning_rate).schedule(schedule).clip_norm(1.0))
        .epochs(epochs)
        .seed(options.seed)
        .callback(EarlyStopping::new(epochs)) // for the best weights alone
        .interrupt(interrupt);
    if let Some(file) = &options.checkpoint {
        fit = if file.exists() { fit.checkpoint(file).resume(file) } else { fit.checkpoint(file) };
    }
    let history = fit.run().map_err(|e| format!("training: {e}"))?;
    if history.stop_reason == StopReason::Interrupted && options.checkpoint.is_some() {
        return Err("interrupted; the same command resumes the training".to_string());
    }
    Ok((Trained { languages, model }, test))
}
