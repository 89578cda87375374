//! Sentences and their translations, from a file.

use crate::data::Sentences;
use std::collections::BTreeMap;
use std::path::Path;
use unspool::data::permutation;
use unspool::text::read_text;

/// Reads lines of a sentence, a tab, its translation, and what else may follow another tab; splits
/// them into parts.
pub(crate) fn read(file: &Path) -> Result<[Sentences; 3], String> {
    let text = read_text(file).map_err(|e| e.to_string())?;
    parse(&text).and_then(split).map_err(|sentence| format!("{}: {sentence}", file.display()))
}

fn parse(text: &str) -> Result<Sentences, String> {
    let pair = |(i, line): (usize, &str)| {
        let mut columns = line.split('\t').map(|column| column.trim().to_string());
        let pair =
            columns.next().zip(columns.next()).filter(|(source, target)| !source.is_empty() && !target.is_empty());
        pair.ok_or_else(|| format!("line {} is not a sentence, a tab, and its translation", i + 1))
    };
    let pairs: Sentences =
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(pair).collect::<Result<_, _>>()?;
    if pairs.is_empty() { Err("no line has a sentence and its translation".to_string()) } else { Ok(pairs) }
}

/// Sentences to train on, a twentieth to validate on, and a tenth to test on, each with all of its
/// translations.
fn split(pairs: Sentences) -> Result<[Sentences; 3], String> {
    let mut groups: BTreeMap<String, Sentences> = BTreeMap::new();
    pairs.into_iter().for_each(|pair| groups.entry(pair.0.to_lowercase()).or_default().push(pair));
    let n = groups.len();
    if n < 20 {
        return Err(format!("a twentieth is validated on, so at least 20 different sentences are needed, not {n}"));
    }
    let mut parts = [(); 3].map(|()| Sentences::new());
    for (i, group) in permutation(n, 0).into_iter().zip(groups.into_values()) {
        parts[if i < n / 10 { 2 } else { usize::from(i < n / 10 + n / 20) }].extend(group);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn lines_are_pairs_and_no_sentence_is_in_two_parts() {
        let pairs = parse("Go.\tVa !\tby somebody\r\n\n Hi. \tSalut.\n").unwrap();
        assert_eq!(pairs, [("Go.", "Va !"), ("Hi.", "Salut.")].map(|(a, b)| (a.to_string(), b.to_string())));
        for (text, line) in [("Go. Va !\n", 1), ("Go.\tVa !\n\nHi.\t\tby me\n", 3), ("Go.\tVa !\n\tSalut.\n", 2)] {
            let sentence = parse(text).unwrap_err();
            assert_eq!(sentence, format!("line {line} is not a sentence, a tab, and its translation"));
        }
        let text: String = (0..120).map(|i| format!("{}{}\tmot{i}\n", ["Word", "word"][i % 2], i / 3)).collect();
        let parts = split(parse(&text).unwrap()).unwrap();
        assert_eq!(parts.each_ref().map(Vec::len), [102, 6, 12]);
        let [train, valid, test] = parts.map(|part| part.into_iter().map(|(source, _)| source.to_lowercase()));
        let [train, valid, test]: [HashSet<String>; 3] = [train.collect(), valid.collect(), test.collect()];
        assert!(train.is_disjoint(&valid) && train.is_disjoint(&test) && valid.is_disjoint(&test));
    }
}
