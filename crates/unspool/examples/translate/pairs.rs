//! Sentences and their translations, from a file.

use crate::data::Sentences;
use rand::seq::SliceRandom;
use std::path::Path;
use unspool::rng;
use unspool::text::read_text;

/// Reads lines of a sentence, a tab, its translation, and what else may come after another tab.
pub(crate) fn read(file: &Path) -> Result<Sentences, String> {
    let text = read_text(file).map_err(|e| e.to_string())?;
    parse(&text).map_err(|sentence| format!("{}: {sentence}", file.display()))
}

fn parse(text: &str) -> Result<Sentences, String> {
    let mut pairs = Sentences::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut columns = line.split('\t').map(str::trim);
        let pair =
            columns.next().zip(columns.next()).filter(|(source, target)| !source.is_empty() && !target.is_empty());
        let (source, target) =
            pair.ok_or_else(|| format!("line {} is not a sentence, a tab, and its translation", i + 1))?;
        pairs.push((source.to_string(), target.to_string()));
    }
    if pairs.is_empty() { Err("no line has a sentence and its translation".to_string()) } else { Ok(pairs) }
}

/// A tenth of the sentences is held out, with all of their translations: none of them is learned
/// from.
pub(crate) fn split(pairs: Sentences) -> Result<[Sentences; 2], String> {
    let mut sources: Vec<String> = pairs.iter().map(|(source, _)| source.to_lowercase()).collect();
    sources.sort_unstable();
    sources.dedup();
    if sources.len() < 10 {
        return Err(format!(
            "a tenth is held out, so at least 10 different sentences are needed, not {}",
            sources.len()
        ));
    }
    sources.shuffle(&mut rng(0));
    sources.truncate(sources.len() / 10);
    sources.sort_unstable();
    let (test, train) =
        pairs.into_iter().partition(|(source, _)| sources.binary_search(&source.to_lowercase()).is_ok());
    Ok([train, test])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_pairs_and_what_follows_is_ignored() {
        let pairs = parse("Go.\tVa !\tby somebody\r\n\n Hi. \tSalut.\n").unwrap();
        assert_eq!(pairs, [("Go.", "Va !"), ("Hi.", "Salut.")].map(|(a, b)| (a.to_string(), b.to_string())));
    }

    #[test]
    fn what_is_no_pair_is_refused_with_its_line() {
        for (text, line) in [("Go. Va !\n", 1), ("Go.\tVa !\n\nHi.\t\n", 3), ("Go.\tVa !\n\tSalut.\n", 2)] {
            let sentence = parse(text).unwrap_err();
            assert_eq!(sentence, format!("line {line} is not a sentence, a tab, and its translation"));
        }
        assert_eq!(parse(" \n\n").unwrap_err(), "no line has a sentence and its translation");
        let few = split(parse("a\tb\nA\tc\n").unwrap()).unwrap_err();
        assert_eq!(few, "a tenth is held out, so at least 10 different sentences are needed, not 1");
    }

    #[test]
    fn no_sentence_is_in_both_parts() {
        let text: String = (0..60).map(|i| format!("Word{}\tmot{i}\n", i / 3)).collect();
        let [train, test] = split(parse(&text).unwrap()).unwrap();
        assert_eq!((train.len(), test.len()), (54, 6));
        assert!(test.iter().all(|(source, _)| train.iter().all(|(other, _)| other != source)));
    }
}
