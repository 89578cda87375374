//! The examples `char_rnn` and `word_rnn`, which differ only in what a token is.

mod options;
mod saved;
#[cfg(test)]
mod tests;
mod training;
mod writing;

use crate::corpus::{self, Corpus, Unit};
use crate::output;
use options::{CellKind, Options};
use saved::Saved;
use std::error::Error;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use unspool::io::WeightFile;
use unspool::prelude::*;
use unspool::text::{LanguageModel, Vocabulary};
use unspool::train::Interrupt;
use unspool::{Gru, Lstm, State};

/// Whether training or writing shall end.
type Stops<'a> = &'a dyn Fn() -> bool;

type Outcome<R = ()> = Result<R, Box<dyn Error>>;

pub(crate) fn main(name: &str, unit: Unit) -> ExitCode {
    let options = Options::read(unit, std::env::args_os()).unwrap_or_else(|e| e.exit());
    // What was trained so far is kept. What is written is not, and ends at once.
    let interrupt = match options.load {
        None => Interrupt::on_ctrl_c().map_err(Into::into),
        Some(_) => Ok(Interrupt::new()),
    };
    match interrupt.and_then(|interrupt| run(&options, unit, &|| interrupt.is_set(), &mut std::io::stdout())) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has gone away, as in `char_rnn | head`, is no error.
        Err(e) if e.downcast_ref().is_some_and(|e: &std::io::Error| e.kind() == ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("{name}: {e}");
            ExitCode::FAILURE
        }
    }
}

/// Trains or loads a model, and lets it write.
fn run(options: &Options, unit: Unit, stops: Stops<'_>, out: &mut dyn Write) -> Outcome {
    let unit = match (unit, options.tokenized) {
        (Unit::Characters, true) => return Err("--tokenized is for words: take word_rnn".into()),
        (Unit::Words, tokenized) => Unit::words(tokenized),
        _ => unit,
    };
    let Some(path) = &options.load else {
        let least = (20.max(10 * options.batch), format!("for {} rows side by side", options.batch));
        let corpus = Corpus::load(options.text.as_deref(), unit, options.minimum_count, least)?;
        let saved = Saved::of(options, unit, corpus.vocabulary.clone());
        return match options.cell {
            CellKind::SimpleRnn => train((options, stops), &corpus, &saved, SimpleRnn::new, out),
            CellKind::Lstm => train((options, stops), &corpus, &saved, Lstm::new, out),
            CellKind::Gru => train((options, stops), &corpus, &saved, Gru::new, out),
        };
    };
    let file = WeightFile::open(path)?;
    let saved = Saved::read(&file, path, unit)?;
    match saved.cell {
        CellKind::SimpleRnn => load(options, (&file, path), &saved, SimpleRnn::new, out),
        CellKind::Lstm => load(options, (&file, path), &saved, Lstm::new, out),
        CellKind::Gru => load(options, (&file, path), &saved, Gru::new, out),
    }
}

/// Makes a cell of so many inputs and units.
type NewCell<C> = fn(&mut Rng, usize, usize) -> C;

fn train<C, D>(
    (options, stops): (&Options, Stops<'_>),
    corpus: &Corpus,
    saved: &Saved,
    cell: NewCell<C>,
    out: &mut dyn Write,
) -> Outcome
where
    C: Params<Tensor> + Clone + Send + Sync,
    D: Send + Sync,
    for<'t> C::With<Var<'t>>: Cell<'t, f32, State: State<'t, f32, Detached = D>>,
{
    // Before the training, so that a mistake is found at once.
    [&options.picture, &options.save].into_iter().flatten().try_for_each(|file| output::check(file))?;
    let prompt = prompt(options, &saved.vocabulary, saved.unit)?;
    let model = saved.model(&mut rng(options.seed), cell).dropout(options.dropout);
    match training::train((options, stops), corpus, saved, model, out)? {
        Some(best) => writing::write(options, saved, best, &prompt, (stops, out)),
        None => Ok(()),
    }
}

fn load<C, D>(
    options: &Options,
    (file, path): (&WeightFile, &Path),
    saved: &Saved,
    cell: NewCell<C>,
    out: &mut dyn Write,
) -> Outcome
where
    C: Params<Tensor>,
    for<'t> C::With<Var<'t>>: Cell<'t, f32, State: State<'t, f32, Detached = D>>,
{
    let prompt = prompt(options, &saved.vocabulary, saved.unit)?;
    // No weights are drawn for a file that may have none for these sizes.
    let mut model: LanguageModel<Tensor, C> = init::skip(|| saved.model(&mut rng(0), cell));
    Saved::load_best(file, path, &mut model)?;
    writing::write(options, saved, model, &prompt, (&|| false, out))
}

/// The prompt that was given, or some words of this project's text, or a new line, or the most
/// frequent token.
fn prompt(options: &Options, vocabulary: &Vocabulary, unit: Unit) -> Outcome<Vec<usize>> {
    let own = options.text.is_none() && options.load.is_none();
    match options.prompt.as_deref().or(own.then_some("The gradient")) {
        Some(text) => match corpus::prompt(vocabulary, unit, text)? {
            tokens if tokens.is_empty() => Err(format!("the prompt has no {}", unit.singular()).into()),
            tokens => Ok(tokens),
        },
        None => Ok(vec![vocabulary.id("\n").unwrap_or(vocabulary.len().min(2) - 1)]),
    }
}
