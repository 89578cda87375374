//! Training by truncated backpropagation through time.

use super::options::Options;
use super::saved::Saved;
use super::{Outcome, Stops};
use crate::corpus::{Corpus, Unit};
use crate::output;
use std::io::Write;
use std::path::Path;
use std::time::Instant;
use unspool::io::{Checkpoint, WeightFile};
use unspool::optim::AdamW;
use unspool::optim::schedules::Cosine;
use unspool::prelude::*;
use unspool::text::{LanguageModel, TruncatedBptt, bits_per_token, bptt_batches, perplexity};
use unspool::train::History;
use unspool::{CrossEntropy, Mode, State};

/// After each epoch, the held-out part is read in so many rows; in the end in one.
const VALIDATION_ROWS: usize = 16;
/// So many of the first steps the learning rate rises.
const WARMUP: usize = 100;

/// After so many chunks the states begin again from zero, as they do when the model writes: one
/// that met such a beginning once in an epoch only may run away from it.
const RESTART: usize = 50;

/// Where a training stands: between two epochs, or where in one the states begin again.
struct Training<C> {
    model: LanguageModel<Tensor, C>,
    best: LanguageModel<Tensor, C>,
    adamw: AdamW,
    /// The losses of the epochs that are done, and the seconds they took.
    history: History,
    /// Of the best model, on the held-out part; and after which epoch that was.
    best_nats: f64,
    best_epoch: usize,
    /// Of the epoch that has begun: the chunks that are done, the sum of their losses, and their
    /// tokens.
    chunks: usize,
    sum: f64,
    tokens: u64,
}

/// The best model on the held-out part; none if the training was interrupted, which then is saved.
pub(super) fn train<C, D>(
    (options, stops): (&Options, Stops<'_>),
    corpus: &Corpus,
    saved: &Saved,
    model: LanguageModel<Tensor, C>,
    out: &mut dyn Write,
) -> Outcome<Option<LanguageModel<Tensor, C>>>
where
    C: Params<Tensor> + Clone + Send + Sync,
    D: Send + Sync,
    for<'t> C::With<Var<'t>>: Cell<'t, f32, State: State<'t, f32, Detached = D>>,
{
    let Corpus { vocabulary, train, test, unit } = corpus;
    writeln!(
        out,
        "{} {} to learn from, {} held out; a vocabulary of {}; {} parameters\n",
        train.len(),
        unit.plural(),
        test.len(),
        vocabulary.len(),
        model.parameter_count()
    )?;
    let chunks = bptt_batches(train, options.batch, options.steps)?;
    let steps = chunks.len() * options.epochs;
    let adamw = AdamW::default()
        .learning_rate(options.learning_rate)
        .schedule(Cosine::new(steps).warmup(WARMUP.min(steps / 10)).floor(0.01))
        .weight_decay(options.weight_decay)
        .group("*bias", |g| g.weight_decay(0.0))
        .clip_norm(1.0);
    let best = model.clone();
    let history = History::default();
    let (best_nats, best_epoch) = (f64::INFINITY, 0);
    let mut at = Training { model, best, adamw, history, best_nats, best_epoch, chunks: 0, sum: 0.0, tokens: 0 };
    if let (true, Some(path)) = (options.resume, &options.save) {
        at.resume(options, corpus, saved, path)?;
    }

    let width = 6 + unit.plural().len();
    let measure = match unit {
        Unit::Characters => "bits per character",
        Unit::Words | Unit::Tokenized => "perplexity",
    };
    writeln!(out, "epoch  nats: learned  held out  {measure}  {}/s  seconds", unit.plural())?;
    let mut bptt = TruncatedBptt::new();
    while at.epoch() < options.epochs && options.minutes.is_none_or(|minutes| at.history.seconds < 60.0 * minutes) {
        let (epoch, started, before) = (at.epoch(), Instant::now(), at.tokens);
        for (i, chunk) in chunks.clone().enumerate().skip(at.chunks) {
            if i % RESTART == 0 {
                bptt.restart();
                at.chunks = i;
                if stops() {
                    break;
                }
            }
            let mode = Mode::Training { seed: options.seed }.fold_in(epoch).fold_in(i);
            let (loss, gradients) = bptt.gradients(&at.model, &chunk, mode, |_, net, part| {
                let (scores, state) = net.run(&part.inputs, part.carried, part.mode);
                (CrossEntropy::default().classes(scores, &part.targets), state.detach())
            });
            finite(loss, epoch)?;
            at.adamw.step(&mut at.model, &gradients);
            let tokens = chunk.targets.as_slice().len();
            (at.sum, at.tokens) = (at.sum + loss * tokens as f64, at.tokens + tokens as u64);
            at.chunks = i + 1;
        }
        if at.chunks < chunks.len() {
            at.history.seconds += started.elapsed().as_secs_f64();
            break;
        }
        let learning = started.elapsed().as_secs_f64();
        let nats = at.model.cross_entropy(test, VALIDATION_ROWS.min(test.len() - 1))?;
        finite(nats, epoch)?;
        let (learned, count) = (at.sum / at.tokens as f64, at.tokens - before);
        (at.chunks, at.sum, at.tokens) = (0, 0.0, 0);
        at.history.loss.push(learned);
        at.history.val_loss.push(nats);
        if nats < at.best_nats {
            (at.best_nats, at.best_epoch) = (nats, at.epoch());
            at.best.clone_from(&at.model);
        }
        at.history.seconds += started.elapsed().as_secs_f64();
        writeln!(
            out,
            "{:>5}  {learned:>13.4}  {nats:>8.4}  {:>width_of_measure$.3}  {:>width$.0}  {:>7.1}",
            at.epoch(),
            measured(*unit, nats),
            count as f64 / learning,
            at.history.seconds,
            width_of_measure = measure.len(),
            width = width - 4
        )?;
        out.flush()?;
        if let Some(path) = &options.save {
            at.save(options, corpus, saved, path)?;
        }
    }
    if let Some(path) = &options.picture {
        output::write(path, &at.history.to_svg())?;
    }
    if stops() {
        let goes_on = match &options.save {
            Some(path) => at.save(options, corpus, saved, path).map(|()| "with --resume, training goes on")?,
            None => "without --save, nothing is kept",
        };
        writeln!(out, "\ninterrupted after {} epochs; {goes_on}", at.epoch())?;
        return Ok(None);
    }
    let nats = at.best.cross_entropy(test, 1)?;
    writeln!(
        out,
        "\nThe best, of epoch {}, with every held-out {} but the first predicted from all before it: {nats:.4} nats, {:.3} bits, \
         perplexity {:.3}\n",
        at.best_epoch,
        unit.singular(),
        bits_per_token(nats),
        perplexity(nats)
    )?;
    Ok(Some(at.best))
}

/// Says when a training has failed, in which epoch, counted from 0 here.
fn finite(loss: f64, epoch: usize) -> Outcome {
    match loss.is_finite() {
        true => Ok(()),
        false => Err(format!("the loss is {loss} in epoch {}: a lower --learning-rate may help", epoch + 1).into()),
    }
}

fn measured(unit: Unit, nats: f64) -> f64 {
    match unit {
        Unit::Characters => bits_per_token(nats),
        Unit::Words | Unit::Tokenized => perplexity(nats),
    }
}

/// What a training must not be resumed with other values of.
const SETTINGS: [&str; 7] =
    ["--batch", "--steps", "--epochs", "--seed", "--dropout", "--learning-rate", "--weight-decay"];

/// Their values: whole numbers, and the bits of others.
fn settings(options: &Options) -> [u64; 7] {
    let [batch, steps, epochs] = [options.batch, options.steps, options.epochs].map(|n| n as u64);
    let [dropout, rate, decay] = [options.dropout, options.learning_rate, options.weight_decay].map(f64::to_bits);
    [batch, steps, epochs, options.seed, dropout, rate, decay]
}

/// Its length, and a number that another text of the same tokens hardly has (the hash FNV-1a).
fn text(corpus: &Corpus) -> [u64; 2] {
    let tokens = || corpus.train.iter().chain(&corpus.test);
    let hash = tokens().fold(0xcbf2_9ce4_8422_2325, |hash, &token| (hash ^ token as u64).wrapping_mul(0x100_0000_01b3));
    [tokens().count() as u64, hash]
}

impl<C> Training<C> {
    /// Epochs that are done.
    fn epoch(&self) -> usize {
        self.history.loss.len()
    }
}

impl<C: Params<Tensor> + Clone> Training<C> {
    fn save(&self, options: &Options, corpus: &Corpus, saved: &Saved, path: &Path) -> Outcome {
        let mut checkpoint = Checkpoint::new();
        saved.put(&mut checkpoint);
        checkpoint.put_model("model", &self.model);
        checkpoint.put_model("best", &self.best);
        checkpoint.put_state("optimizer", &self.adamw.state_dict());
        checkpoint.put_numbers("settings", &settings(options));
        checkpoint.put_numbers("text", &text(corpus));
        let losses = [&self.history.loss[..], &self.history.val_loss].concat();
        checkpoint.put_tensor("losses", &Tensor::<f64>::from_vec(losses, [2, self.epoch()]));
        let [nats, seconds] = [self.best_nats, self.history.seconds].map(f64::to_bits);
        checkpoint.put_numbers("progress", &[self.best_epoch as u64, nats, seconds]);
        checkpoint.put_numbers("epoch", &[self.chunks as u64, self.sum.to_bits(), self.tokens]);
        Ok(checkpoint.save(path)?)
    }

    fn resume(&mut self, options: &Options, corpus: &Corpus, saved: &Saved, path: &Path) -> Outcome {
        let file = WeightFile::open(path)?;
        saved.must_be(&Saved::read(&file, path, saved.unit)?, path)?;
        let before: [u64; SETTINGS.len()] = file.numbers("settings")?;
        let now = settings(options);
        if let Some(i) = (0..SETTINGS.len()).find(|&i| before[i] != now[i]) {
            let number = |value: u64| match i {
                4..=6 => f64::from_bits(value).to_string(),
                _ => value.to_string(),
            };
            let (what, before, now) = (SETTINGS[i], number(before[i]), number(now[i]));
            return Err(format!("{} was saved with {what} {before}, not {now}", path.display()).into());
        }
        let learned: [u64; 2] = file.numbers("text")?;
        if learned != text(corpus) {
            return Err(format!("{} was saved with another text", path.display()).into());
        }
        file.load("model", &mut self.model)?;
        Saved::load_best(&file, path, &mut self.best)?;
        self.adamw.load_state_dict(&self.model, &file.state_dict("optimizer")?)?;
        let losses = file.tensor::<f64>("losses")?;
        if losses.shape().rank() != 2 || losses.shape()[0] != 2 {
            return Err(format!("{} has losses {}: they must be [2, epochs]", path.display(), losses.shape()).into());
        }
        [self.history.loss, self.history.val_loss] = [0, 1].map(|row| losses.select(0, row).to_vec());
        let [best_epoch, nats, seconds] = file.numbers("progress")?;
        self.best_epoch = best_epoch as usize;
        [self.best_nats, self.history.seconds] = [nats, seconds].map(f64::from_bits);
        let [chunks, sum, tokens] = file.numbers("epoch")?;
        (self.chunks, self.sum, self.tokens) = (chunks as usize, f64::from_bits(sum), tokens);
        Ok(())
    }
}
