//! The accuracy of a model, and its translations.

use crate::data::{Languages, Sentences};
use crate::saved::Trained;
use crate::training::{evaluate, translations};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Instant;
use unspool::text::{Hypothesis, perplexity};

/// How many translations are shown.
const SHOWN: usize = 8;

/// How well the pairs are predicted, and how many sentences are translated exactly: greedily, and
/// by a beam of this width.
pub(crate) fn tested(trained: &Trained, test: &Sentences, beam: usize) -> Result<String, String> {
    let (languages, unit) = (&trained.languages, trained.languages.unit);
    let (nats, accuracy) = evaluate(&trained.model, &languages.pairs(test)?);
    let (count, perplexity, percent) = (test.len(), perplexity(nats), 100.0 * accuracy);
    let mut report = format!("{count} held-out pairs: perplexity {perplexity:.4}, {percent:.2}% of {unit} right\n");
    // A sentence may have several translations, each of which is right.
    let mut references: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (source, target) in test {
        references.entry(unit.normalize(source)).or_default().push(unit.normalize(target));
    }
    let sources = references.keys().map(|source| languages.encode(source)).collect::<Result<Vec<_>, String>>()?;
    let mut best = Vec::new();
    for width in if beam == 1 { vec![1] } else { vec![1, beam] } {
        let started = Instant::now();
        let all = translations(trained, &sources, width);
        let seconds = started.elapsed().as_secs_f64();
        best = all.iter().map(|hypotheses| text(languages, &hypotheses[0])).collect();
        let exact = best.iter().zip(references.values()).filter(|(best, right)| right.contains(best)).count();
        let (how, of) = (if width == 1 { "greedy".to_string() } else { format!("beam of {width}") }, sources.len());
        let percent = 100.0 * exact as f64 / of as f64;
        let _ = writeln!(report, "{how:<11} {exact:>5} of {of} exact, {percent:.2}%, in {seconds:.1} s");
    }
    for ((source, right), best) in references.iter().zip(&best).step_by((best.len() / SHOWN).max(1)).take(SHOWN) {
        let _ = writeln!(report, "{source}\n    {best}");
        if !right.contains(best) {
            let _ = writeln!(report, "    not {}", right[0]);
        }
    }
    Ok(report)
}

/// The translations of a text with their log-probabilities, best first.
pub(crate) fn translated(trained: &Trained, source: &str, beam: usize) -> Result<String, String> {
    let mut report = format!("{source}\n");
    for hypothesis in &translations(trained, &[trained.languages.encode(source)?], beam)[0] {
        let _ = writeln!(report, "{:>9.4}  {}", hypothesis.log_probability, text(&trained.languages, hypothesis));
    }
    Ok(report)
}

fn text(languages: &Languages, hypothesis: &Hypothesis) -> String {
    languages.decode(&hypothesis.tokens) + if hypothesis.ended { "" } else { " .." }
}
