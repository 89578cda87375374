//! Training by truncated backpropagation through time.

use crate::corpus::Corpus;
use crate::options::Options;
use crate::{Outcome, saved};
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Instant;
use unspool::optim::AdamW;
use unspool::optim::schedules::Cosine;
use unspool::prelude::*;
use unspool::train::{
    Callback, EarlyStopping, History, Interrupt, NextToken, Progress, StopReason, Task, TruncatedBptt,
};

/// The held-out part is read in so many rows after each epoch; in the end in one.
const VALIDATION_ROWS: usize = 16;
/// After so many windows the states begin again from zero, as they do when the model writes: one
/// that met such a beginning only once in an epoch may run away from it.
const RESTART: usize = 50;
/// In so many of the first steps the learning rate rises.
const WARMUP: usize = 100;

type Tokens<D> = TruncatedBptt<Indices, Indices, NextToken<f32>, D>;

/// Trains a model, which becomes the best on the held-out part. Returns false if it was interrupted.
pub(crate) fn train<M, D>(
    options: &Options,
    corpus: &Corpus,
    model: &mut M,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> Outcome<bool>
where
    M: Params<Tensor> + Send + Sync,
    Tokens<D>: Task<f32, M> + Send,
{
    let Corpus { vocabulary, train, held_out } = corpus;
    let (units, parameters) = (options.unit()?.plural(), model.parameter_count());
    let (learned, held, known) = (train.len(), held_out.len(), vocabulary.len());
    writeln!(out, "{learned} {units} learned, {held} held out; a vocabulary of {known}; {parameters} parameters\n")?;

    let mut task = Tokens::tokens(train, options.batch, options.steps)?
        .validate_tokens(held_out, VALIDATION_ROWS.min(held - 1))?
        .restart_every(RESTART);
    let steps = task.restart() * options.epochs;
    let adamw = AdamW::default()
        .learning_rate(options.learning_rate)
        .schedule(Cosine::new(steps).warmup(WARMUP.min(steps / 10)).floor(0.01))
        .weight_decay(options.weight_decay)
        .group("*bias", |g| g.weight_decay(0.0))
        .clip_norm(1.0);
    // It never stops the training: it keeps the best weights.
    let mut best = EarlyStopping::new(usize::MAX);
    let mut watch = Watch { options, corpus, interrupt, started: Instant::now() };
    let mut fit = fit(&mut *model, &mut task)
        .optimizer(adamw)
        .epochs(options.epochs)
        .seed(options.seed)
        .interrupt(interrupt)
        .callback(&mut best)
        .callback(&mut watch);
    if options.quiet {
        fit = fit.quiet();
    }
    if let Some(path) = &options.save {
        let checkpoint = path.with_extension("checkpoint");
        if options.resume {
            saved::check_same(path, options, corpus)?;
            fit = fit.resume(&checkpoint);
        }
        fit = fit.checkpoint(checkpoint);
    }
    // Before the training, so that a mistake is found at once.
    options.picture.as_ref().map_or(Ok(()), |path| History::default().save_svg(path))?;
    let history = fit.run()?;

    options.picture.as_ref().map_or(Ok(()), |path| history.save_svg(path))?;
    if let Some(path) = &options.save {
        saved::save(path, options, corpus, model)?;
    }
    let (epochs, seconds) = (history.loss.len(), history.seconds);
    if let (Some(epoch), Some(nats)) = (best.best_epoch(), best.best()) {
        let speed = (epochs * learned) as f64 / seconds;
        writeln!(out, "Best of {epochs} epochs: {epoch}, {nats:.4} nats; {seconds:.1} s, {speed:.0} {units}/s")?;
    }
    if history.stop_reason == StopReason::Interrupted {
        let goes_on = if options.save.is_some() { "with --resume, training goes on" } else { "nothing is kept" };
        writeln!(out, "Interrupted in epoch {}; {goes_on}", epochs + 1)?;
        // Out of time, the model is still measured and writes; interrupted, it does not.
        if !watch.is_out_of_time() {
            return Ok(false);
        }
        interrupt.clear();
    }
    Ok(true)
}

/// Saves a model that is better than those before, so that it can write while the training runs;
/// and interrupts the training after some minutes. (A callback that stops it stops it for good.)
struct Watch<'a> {
    options: &'a Options,
    corpus: &'a Corpus,
    interrupt: &'a Interrupt,
    started: Instant,
}

impl Watch<'_> {
    fn is_out_of_time(&self) -> bool {
        self.options.minutes.is_some_and(|minutes| self.started.elapsed().as_secs_f64() >= 60.0 * minutes)
    }
}

impl<M: Params<Tensor>> Callback<f32, M> for Watch<'_> {
    fn on_step(&mut self, _: &Progress<'_, M>) -> ControlFlow<()> {
        if self.is_out_of_time() {
            self.interrupt.set();
        }
        ControlFlow::Continue(())
    }

    fn on_epoch(&mut self, progress: &Progress<'_, M>) -> ControlFlow<()> {
        let losses = &progress.history.val_loss;
        if let (Some(path), Some((last, before))) = (&self.options.save, losses.split_last())
            && before.iter().all(|loss| last < loss)
            && let Err(error) = saved::save(path, self.options, self.corpus, progress.model)
        {
            eprintln!("{error}"); // an error again in the end
        }
        ControlFlow::Continue(())
    }
}
