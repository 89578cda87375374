//! Sampling from a model, printed token by token.

use super::options::Options;
use super::saved::Saved;
use super::{Outcome, Stops};
use crate::corpus::Unit;
use std::io::Write;
use unspool::State;
use unspool::prelude::*;
use unspool::text::{Generator, LanguageModel, Sampler, join_words};

pub(super) fn write<C, D>(
    options: &Options,
    saved: &Saved,
    model: LanguageModel<Tensor, C>,
    prompt: &[usize],
    (stops, out): (Stops<'_>, &mut dyn Write),
) -> Outcome
where
    C: Params<Tensor>,
    for<'t> C::With<Var<'t>>: Cell<'t, f32, State: State<'t, f32, Detached = D>>,
{
    let mut sampler = Sampler::default().temperature(options.temperature);
    sampler = options.top_k.map_or(sampler, |k| sampler.top_k(k));
    sampler = options.top_p.map_or(sampler, |p| sampler.top_p(p));
    let tokens = saved.vocabulary.tokens();
    let generator = Generator::new(model, prompt, sampler, rng(options.seed));
    let mut before = "\n";
    for token in prompt.iter().copied().chain(generator.take(options.generate)) {
        let token = &tokens[token];
        match saved.unit {
            Unit::Characters => write!(out, "{token}")?,
            // With a space before it, or without.
            Unit::Words => write!(out, "{}", &join_words([before, token])[before.len()..])?,
            // As the text has them.
            Unit::Tokenized if before == "\n" => write!(out, "{token}")?,
            Unit::Tokenized => write!(out, " {token}")?,
        }
        out.flush()?;
        before = token;
        if stops() {
            break;
        }
    }
    writeln!(out)?;
    Ok(())
}
