//! The accuracy of a model, and its translations.

use crate::data::{Languages, Sentences};
use crate::saved::Trained;
use crate::training::{forced, translations};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Instant;
use unspool::text::{Hypothesis, perplexity};

/// How many translations are shown.
const SHOWN: usize = 8;

/// How well pairs are predicted that were not learned from, and how many of their sentences are
/// translated to the letter: greedily, and with a beam of this width.
pub(crate) fn tested(trained: &Trained, test: &Sentences, beam: usize) -> Result<String, String> {
    let Trained { languages, model } = trained;
    let (nats, accuracy) = forced(model, &languages.pairs(test)?);
    let mut report = format!(
        "{} pairs not learned from: perplexity {:.4} and {:.2}% of {} right after the true ones before them\n",
        test.len(),
        perplexity(nats),
        100.0 * accuracy,
        languages.unit.name()
    );
    // A sentence may have several translations; any of them is right.
    let mut references: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (source, target) in test {
        references.entry(languages.plain(source)).or_default().push(languages.plain(target));
    }
    let sources = references.keys().map(|source| languages.encode(source)).collect::<Result<Vec<_>, String>>()?;
    let mut said = Vec::new();
    for width in if beam == 1 { vec![1] } else { vec![1, beam] } {
        let started = Instant::now();
        let all = translations(trained, &sources, width);
        let seconds = started.elapsed().as_secs_f64();
        said = all.iter().map(|hypotheses| say(languages, &hypotheses[0])).collect();
        let exact = said.iter().zip(references.values()).filter(|(said, right)| right.contains(said)).count();
        let (how, of) = (if width == 1 { "greedy".to_string() } else { format!("beam of {width}") }, sources.len());
        let percent = 100.0 * exact as f64 / of as f64;
        let _ = writeln!(report, "{how:<11} {exact:>5} of {of} exact, {percent:.2}%, in {seconds:.1} s");
    }
    for ((source, right), said) in references.iter().zip(&said).step_by((said.len() / SHOWN).max(1)).take(SHOWN) {
        let _ = writeln!(report, "{source}\n    {said}");
        if !right.contains(said) {
            let _ = writeln!(report, "    not {}", right[0]);
        }
    }
    Ok(report)
}

/// What the model makes of a text, best first.
pub(crate) fn translated(trained: &Trained, text: &str, beam: usize) -> Result<String, String> {
    let languages = &trained.languages;
    let mut report = format!("{text}\n");
    for hypothesis in &translations(trained, &[languages.encode(text)?], beam)[0] {
        let _ = writeln!(report, "{:>9.4}  {}", hypothesis.log_probability, say(languages, hypothesis));
    }
    Ok(report)
}

fn say(languages: &Languages, hypothesis: &Hypothesis) -> String {
    languages.say(&hypothesis.tokens) + if hypothesis.ended { "" } else { " .." }
}
