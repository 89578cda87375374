//! Training, and testing a trained model on other pairs.

use crate::data::{Batch, PADDING, Pair};
use crate::model::Translator;
use crate::saved::Trained;
use std::time::Instant;
use unspool::data::buckets;
use unspool::optim::schedules::Cosine;
use unspool::prelude::*;
use unspool::text::Hypothesis;
use unspool::{Mode, Shards};

/// Pairs per step of training, and those on one tape.
const BATCH: usize = 64;
const PART: usize = 32;

pub(crate) struct Settings {
    pub(crate) epochs: usize,
    pub(crate) learning_rate: f64,
    pub(crate) teacher_ratio: f64,
    pub(crate) seed: u64,
}

/// # Errors
/// If the loss becomes NaN.
pub(crate) fn train(model: &mut Translator<Tensor>, pairs: &[Pair], settings: &Settings) -> Result<(), String> {
    let &Settings { epochs, learning_rate, teacher_ratio, seed } = settings;
    let lengths: Vec<usize> = pairs.iter().map(|pair| pair.source.len()).collect();
    let steps = pairs.len().div_ceil(BATCH);
    let schedule = Cosine::new(epochs * steps).warmup((epochs * steps / 10).min(200));
    let mut adam = Adam::default().learning_rate(learning_rate).schedule(schedule).clip_norm(1.0);
    let (mut shards, started) = (Shards::new(), Instant::now());
    for epoch in 0..epochs {
        let mut sum = 0.0;
        for (step, places) in buckets(&lengths, BATCH, seed.wrapping_add(epoch as u64)).iter().enumerate() {
            let mode = Mode::Training { seed }.fold_in(epoch).fold_in(step);
            let parts = places.chunks(PART).map(|places| Batch::new(places.iter().map(|&place| &pairs[place])));
            let parts: Vec<(usize, Batch)> = parts.enumerate().collect();
            let tokens = parts.iter().map(|(_, part)| part.tokens).sum::<usize>() as f64;
            let (loss, gradients) = shards.gradients(&*model, &parts, |_, net, (i, part)| {
                net.loss(part, teacher_ratio, mode.fold_in(*i)) * (part.tokens as f64 / tokens)
            });
            if !loss.is_finite() {
                return Err(format!("training has failed: the loss is {loss} in epoch {}", epoch + 1));
            }
            adam.step(model, &gradients);
            sum += loss;
        }
        eprintln!("epoch {:>3}: loss {:.4}, {:.1} s", epoch + 1, sum / steps as f64, started.elapsed().as_secs_f64());
    }
    Ok(())
}

/// The mean of -ln p over the tokens, and the part of them that has the highest score, each after
/// the true ones before it.
pub(crate) fn forced(model: &Translator<Tensor>, pairs: &[Pair]) -> (f64, f64) {
    let (mut tape, mut nats, mut right, mut tokens) = (Tape::new(), 0.0, 0, 0);
    for pairs in pairs.chunks(BATCH) {
        let batch = Batch::new(pairs);
        let net = tape.bind_frozen(model);
        nats += f64::from(net.loss(&batch, 1.0, Mode::Evaluation).item()) * batch.tokens as f64;
        let said = net.translate(&batch, 1.0, Mode::Evaluation).argmax(2);
        let both = said.as_slice().iter().zip(batch.targets.as_slice());
        right += both.filter(|(said, target)| **target != PADDING && said == target).count();
        tokens += batch.tokens;
        tape.reset();
    }
    (nats / tokens as f64, right as f64 / tokens as f64)
}

/// What each source means by a beam of this width, best first, on all cores.
pub(crate) fn translations(trained: &Trained, sources: &[Vec<usize>], width: usize) -> Vec<Vec<Hypothesis>> {
    let Trained { languages, model } = trained;
    let translate = |sources: &[Vec<usize>]| -> Vec<Vec<Hypothesis>> {
        let mut tape = Tape::new();
        let search = |source: &Vec<usize>| {
            let said = tape.bind_frozen(model).search(source, width, languages.unknown());
            tape.reset();
            said
        };
        sources.iter().map(search).collect()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = sources.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = sources.chunks(share).map(|sources| scope.spawn(|| translate(sources))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("a search does not panic")).collect()
    })
}
