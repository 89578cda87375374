//! A recurrent language model of the characters or words of a text: trained by truncated
//! backpropagation through time, saved, resumed, sampled.
//!
//! ```text
//! cargo run --release -p unspool-language-model -- --text book.txt --save book.safetensors
//! cargo run --release -p unspool-language-model -- --load book.safetensors --prompt "To be" --generate 1000
//! cargo run --release -p unspool-language-model -- --text book.txt --unit words --tied
//! ```
//!
//! Without `--text` it reads this project's own documents. It is trained on the first nine tenths
//! of a text and validated on the last tenth, which also decides the best epoch. After Karpathy
//! 2015, "The unreasonable effectiveness of recurrent neural networks". The words, their vocabulary
//! and split are those of the example `ngram`, so that perplexities are comparable.
//!
//! Ctrl-c or SIGTERM ends the training after its step; with `--save`, `--resume` continues to the
//! same bits.

#![forbid(unsafe_code)]

mod corpus;
mod options;
mod saved;
#[cfg(test)]
mod tests;
mod training;

use clap::Parser;
use corpus::{Corpus, Unit};
use options::{CellKind, Options};
use std::error::Error;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use unspool::io::WeightFile;
use unspool::prelude::*;
use unspool::text::{Generator, LanguageModel, Sampler, Vocabulary, bits_per_token, perplexity};
use unspool::train::Interrupt;

type Outcome<R = ()> = Result<R, Box<dyn Error>>;

fn main() -> ExitCode {
    let options = Options::parse();
    // What was trained so far is kept. What is written is not, and ends at once.
    let interrupt = if options.load.is_some() { Ok(Interrupt::new()) } else { Interrupt::on_ctrl_c() };
    match interrupt.map_err(Into::into).and_then(|interrupt| run(&options, &interrupt, &mut std::io::stdout())) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has gone away, as in `language-model | head`, is no error.
        Err(e) if e.downcast_ref().is_some_and(|e: &std::io::Error| e.kind() == ErrorKind::BrokenPipe) => {
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("language-model: {e}");
            ExitCode::FAILURE
        }
    }
}

/// A model to be trained or loaded, and to write.
struct Job<'a> {
    options: &'a Options,
    interrupt: &'a Interrupt,
    /// The options that the model was made with: those of the file that it is loaded from.
    made_with: Options,
    vocabulary: Vocabulary,
    source: Source,
}

enum Source {
    Text(Corpus),
    File(WeightFile),
}

fn run(options: &Options, interrupt: &Interrupt, out: &mut dyn Write) -> Outcome {
    let (made_with, vocabulary, source) = match &options.load {
        None => {
            let least = 20.max(10 * options.batch); // two for each row, also of the last tenth
            let corpus = Corpus::read(options.text.as_deref(), options.unit()?, options.minimum_count, least)?;
            (options.clone(), corpus.vocabulary.clone(), Source::Text(corpus))
        }
        Some(path) => {
            let file = WeightFile::open(path)?;
            let (made_with, vocabulary) = saved::read(&file, path)?;
            (made_with, vocabulary, Source::File(file))
        }
    };
    let job = Job { options, interrupt, made_with, vocabulary, source };
    match job.made_with.cell {
        CellKind::SimpleRnn => job.run(SimpleRnn::new, out),
        CellKind::Lstm => job.run(Lstm::new, out),
        CellKind::Gru => job.run(Gru::new, out),
    }
}

impl Job<'_> {
    /// `new_cell` makes a cell of so many inputs and units.
    fn run<C, D>(&self, new_cell: fn(&mut Rng, usize, usize) -> C, out: &mut dyn Write) -> Outcome
    where
        C: Params<Tensor> + Clone + Send + Sync,
        D: Send + Sync,
        for<'t> C::With<Var<'t>>: Cell<'t, f32, State: State<'t, f32, Detached = D>>,
    {
        let Job { options, made_with, vocabulary, interrupt, .. } = self;
        let unit = made_with.unit()?;
        // Before the training, so that a mistake is found at once.
        let own_text = (options.text.is_none() && options.load.is_none()).then_some("The gradient");
        let prompt = corpus::prompt(vocabulary, unit, options.prompt.as_deref().or(own_text))?;
        let new_model = || -> LanguageModel<Tensor, C> {
            let new = if made_with.tied { LanguageModel::tied } else { LanguageModel::new };
            let (rng, hidden) = (&mut rng(made_with.seed), vec![made_with.hidden; made_with.layers]);
            new(rng, vocabulary.len(), made_with.embedding, hidden, new_cell).dropout(made_with.dropout)
        };
        let model = match &self.source {
            // No weights are drawn for a file that may have none of these sizes.
            Source::File(file) => saved::load(file, init::skip(new_model))?,
            Source::Text(corpus) => {
                let mut model = new_model();
                if !training::train(options, corpus, &mut model, interrupt, out)? {
                    return Ok(());
                }
                let nats = model.cross_entropy(&corpus.held_out, 1)?;
                let (bits, of) = (bits_per_token(nats), perplexity(nats));
                writeln!(out, "Held out, each after all before: {nats:.4} nats, {bits:.3} bits, perplexity {of:.3}\n")?;
                model
            }
        };
        let sampler = Sampler::default().temperature(options.temperature).top_p(options.top_p);
        let sampler = options.top_k.map_or(sampler, |k| sampler.top_k(k));
        let generated = Generator::new(model, &prompt, sampler, rng(options.seed));
        let count = options.generate.unwrap_or(if unit == Unit::Characters { 300 } else { 80 });
        let mut before = "\n";
        for id in prompt.iter().copied().chain(generated.take(count)).take_while(|_| !interrupt.is_set()) {
            let token = &vocabulary.tokens()[id];
            write!(out, "{}", unit.written(before, token))?;
            out.flush()?;
            before = token;
        }
        Ok(writeln!(out)?)
    }
}
