//! What a model is worth, and what it says.

use crate::data::{END, Languages, Pair};
use crate::saved::Trained;
use crate::training::{forced, translations};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Instant;
use unspool::text::perplexity;

/// How many translations are shown.
const SHOWN: usize = 8;

/// How well pairs are predicted that were not learned from, and how many of them are translated to the letter: greedily,
/// and with a beam of this width.
pub(crate) fn tested(trained: &Trained, pairs: &[Pair], beam: usize) -> String {
    let Trained { languages, model } = trained;
    let (nats, accuracy) = forced(model, pairs);
    // A sentence may have several translations; any of them is right.
    let mut references: BTreeMap<&[usize], Vec<&[usize]>> = BTreeMap::new();
    for Pair { source, target } in pairs {
        references.entry(source).or_default().push(target.strip_suffix(&[END]).unwrap_or(target));
    }
    let sources: Vec<&[usize]> = references.keys().copied().collect();
    let mut report = format!(
        "{} pairs not learned from: perplexity {:.4} and {:.2}% of {} right after the true ones before them\n",
        pairs.len(),
        perplexity(nats),
        100.0 * accuracy,
        languages.unit.name()
    );
    let mut said = Vec::new();
    for width in if beam == 1 { vec![1] } else { vec![1, beam] } {
        let started = Instant::now();
        let all = translations(model, &sources, width);
        let seconds = started.elapsed().as_secs_f64();
        said = all
            .into_iter()
            .map(|hypotheses| hypotheses.into_iter().next().map_or(vec![], |best| best.tokens))
            .collect();
        let exact = said.iter().zip(references.values()).filter(|(said, right)| right.contains(&&said[..])).count();
        let how = if width == 1 { "greedy".to_string() } else { format!("beam of {width}") };
        let percent = 100.0 * exact as f64 / sources.len() as f64;
        let _ = writeln!(report, "{how:<10} {exact:>6} of {} exact, {percent:.2}%, in {seconds:.1} s", sources.len());
    }
    let step = (sources.len() / SHOWN).max(1);
    for ((source, right), said) in references.iter().zip(&said).step_by(step).take(SHOWN) {
        report += &shown(languages, source, said);
        if !right.contains(&&said[..]) {
            let _ = writeln!(report, "    not {}", languages.say(right[0]));
        }
    }
    report
}

/// A text and what the model makes of it, best first.
pub(crate) fn translated(trained: &Trained, source: &[usize], beam: usize) -> String {
    let Trained { languages, model } = trained;
    let hypotheses = &translations(model, &[source], beam)[0];
    let mut report = languages.read(source) + "\n";
    for hypothesis in hypotheses {
        let cut = if hypothesis.ended { "" } else { " .." };
        let _ = writeln!(report, "{:>9.4}  {}{cut}", hypothesis.log_probability, languages.say(&hypothesis.tokens));
    }
    report
}

fn shown(languages: &Languages, source: &[usize], said: &[usize]) -> String {
    format!("{}\n    {}\n", languages.read(source), languages.say(said))
}
