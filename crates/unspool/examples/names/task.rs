//! Labeled texts as examples: split, their characters as ids, padded.

use rand::seq::SliceRandom;
use std::collections::HashMap;
use std::path::Path;
use unspool::data::{DataError, Padded, pad};
use unspool::prelude::*;
use unspool::text::{SpecialToken, Vocabulary, characters, read_text};

/// Family names, and some given names, of eight languages.
const NAMES: &str = include_str!("names.txt");
/// One in so many texts of a label is held out.
const HELD_OUT: usize = 5;
/// A text has at most so many characters.
const LONGEST: usize = 200;

/// What is learned from, and what is held out.
pub(crate) struct Task {
    pub(crate) train: Vec<Example>,
    pub(crate) test: Vec<Example>,
    pub(crate) labels: Vec<String>,
    /// The characters of the training part, in lower case, and a special token for all others.
    pub(crate) vocabulary: Vocabulary,
}

/// The characters of a text, and the number of its label.
pub(crate) struct Example {
    pub(crate) tokens: Vec<usize>,
    pub(crate) label: usize,
}

impl Task {
    /// The names that come with the example.
    pub(crate) fn names(seed: u64) -> Self {
        Task::new(NAMES, seed).expect("a test reads them")
    }

    pub(crate) fn load(file: &Path, seed: u64) -> Result<Self, String> {
        let text = read_text(file).map_err(|e| e.to_string())?;
        Task::new(&text, seed).map_err(|sentence| format!("{}: {sentence}", file.display()))
    }

    pub(crate) fn new(text: &str, seed: u64) -> Result<Self, String> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let lines = lines.map(|(i, line)| parse(line).map_err(|sentence| format!("line {}: {sentence}", i + 1)));
        let lines: Vec<(&str, String)> = lines.collect::<Result<_, _>>()?;
        let mut labels: Vec<String> = lines.iter().map(|(label, _)| label.to_string()).collect();
        labels.sort();
        labels.dedup();
        if labels.len() < 2 {
            return Err(format!("{} different labels: there must be at least 2", labels.len()));
        }

        // Of each label a part of its different texts, whichever the seed draws. What stands twice, be it under another label
        // as well, is in one part with all its lines.
        let mut labels_of: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut texts_of = vec![Vec::new(); labels.len()];
        for (label, text) in &lines {
            let label = labels.binary_search_by(|name| name[..].cmp(label)).expect("these are all labels");
            let known = labels_of.entry(text).or_default();
            if known.is_empty() {
                texts_of[label].push(&text[..]);
            }
            known.push(label);
        }
        let (mut train, mut test) = (Vec::new(), Vec::new());
        let rng = &mut rng(seed);
        for (texts, name) in texts_of.iter_mut().zip(&labels) {
            if texts.len() < HELD_OUT {
                let (have, s) = (texts.len(), if texts.len() == 1 { "" } else { "s" });
                return Err(format!(
                    "label {name:?} has {have} different text{s} of its own: it needs {HELD_OUT}, one of which is held out"
                ));
            }
            texts.shuffle(rng);
            let examples =
                |text: &&'_ str| labels_of[text].iter().map(|label| (text.to_string(), *label)).collect::<Vec<_>>();
            let (held_out, others) = texts.split_at(texts.len() / HELD_OUT);
            test.extend(held_out.iter().flat_map(examples));
            train.extend(others.iter().flat_map(examples));
        }
        let sentence = |e: DataError| e.to_string();
        let learned = train.iter().flat_map(|(text, _)| characters(text));
        let vocabulary = Vocabulary::new(learned, 1, [SpecialToken::Unk]).map_err(sentence)?;
        let example = |(text, label): (String, _)| {
            Ok(Example { tokens: vocabulary.encode(characters(&text)).map_err(sentence)?, label })
        };
        let [train, test] = [train, test].map(|part| part.into_iter().map(example).collect::<Result<Vec<_>, String>>());
        Ok(Task { train: train?, test: test?, labels, vocabulary })
    }

    /// The numbers of the characters of a text, all of which must be known.
    pub(crate) fn encode_known(&self, text: &str) -> Result<Vec<usize>, String> {
        let cannot = |sentence: String| format!("cannot read {text:?}: {sentence}");
        let text = clean(text).map_err(cannot)?;
        self.vocabulary.encode_known(characters(&text)).map_err(|e| cannot(e.to_string()))
    }

    /// A step `[V]` for each character, 1 at its number: `[L, V]`.
    pub(crate) fn one_hot(&self, tokens: &[usize]) -> Tensor {
        Tensor::one_hot(tokens, self.vocabulary.len())
    }

    pub(crate) fn dataset(&self, examples: &[Example]) -> Result<Dataset, String> {
        let texts: Vec<Tensor> = examples.iter().map(|example| self.one_hot(&example.tokens)).collect();
        let labels: Vec<usize> = examples.iter().map(|example| example.label).collect();
        let data = pad(&texts).and_then(|Padded { x, lengths }| {
            Dataset::new(x, Tensor::one_hot(labels, self.labels.len()))?.with_lengths(lengths)
        });
        data.map_err(|e| e.to_string())
    }
}

/// Label and text of a line.
fn parse(line: &str) -> Result<(&str, String), String> {
    let Some((label, text)) = line.split_once('\t') else {
        return Err("no tab separates the label from the text".to_string());
    };
    match label.trim() {
        "" => Err("there is no label before the tab".to_string()),
        label => Ok((label, clean(text)?)),
    }
}

/// In lower case, and without spaces around it.
fn clean(text: &str) -> Result<String, String> {
    let text = text.trim().to_lowercase();
    match characters(&text).count() {
        0 => Err("it has no character".to_string()),
        1..=LONGEST => Ok(text),
        n => Err(format!("it has {n} characters, and at most {LONGEST} are read")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(label: &str, count: usize) -> String {
        (0..count).map(|i| format!("{label}\t{label}{i}\n")).collect()
    }

    #[test]
    fn the_names_are_as_many_in_every_language() {
        let task = Task::names(0);
        assert_eq!((task.labels.len(), task.train.len(), task.test.len()), (8, 8 * 48, 8 * 12));
        let lines: Vec<&str> = NAMES.lines().collect();
        let mut different = lines.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), lines.len(), "a name stands twice");
    }

    #[test]
    fn a_fifth_of_each_label_is_held_out() {
        let task = Task::new(&(lines("a", 10) + &lines("b", 5)), 3).unwrap();
        let count = |part: &[Example], label| part.iter().filter(|example| example.label == label).count();
        assert_eq!([count(&task.train, 0), count(&task.train, 1)], [8, 4]);
        assert_eq!([count(&task.test, 0), count(&task.test, 1)], [2, 1]);
        let data = task.dataset(&task.test).unwrap();
        assert_eq!(
            (data.len(), data.lengths(), data.y().to_vec()),
            (3, Some(&[2, 2, 2][..]), vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
        );
        // What is held out adds no character.
        assert_eq!(
            task.vocabulary.len(),
            1 + 2 + task.vocabulary.tokens().iter().filter(|t| t.parse::<u8>().is_ok()).count()
        );
    }

    #[test]
    fn no_text_is_in_both_parts() {
        // Each stands four times, in other cases and some under both labels.
        let text: String = (0..200).map(|i| format!("{}\t{}{}\n", i % 3 % 2, ["Ab", "aB"][i % 2], i / 4)).collect();
        let task = Task::new(&text, 1).unwrap();
        assert_eq!(task.train.len() + task.test.len(), 200);
        assert!(task.test.len() >= 20, "{}", task.test.len());
        let known = |text: &Example| task.train.iter().any(|other| other.tokens == text.tokens);
        assert!(task.test.iter().all(|text| !known(text)));
    }

    #[test]
    fn what_cannot_be_used_is_said_in_a_sentence() {
        for (text, sentence) in [
            ("a\tb\nc d\n", "line 2: no tab separates the label from the text".to_string()),
            ("\n\tb\n", "line 2: there is no label before the tab".to_string()),
            ("a\t \n", "line 1: it has no character".to_string()),
            (&format!("a\t{}", "x".repeat(201)), "line 1: it has 201 characters, and at most 200 are read".to_string()),
            ("\n", "0 different labels: there must be at least 2".to_string()),
            (&lines("a", 9), "1 different labels: there must be at least 2".to_string()),
            (
                &(lines("a", 9) + "b\tx"),
                "label \"b\" has 1 different text of its own: it needs 5, one of which is held out".to_string(),
            ),
            (
                &(lines("a", 9) + &lines("b", 4)),
                "label \"b\" has 4 different texts of its own: it needs 5, one of which is held out".to_string(),
            ),
        ] {
            assert_eq!(Task::new(text, 0).err(), Some(sentence), "{text:?}");
        }
    }

    #[test]
    fn files_that_cannot_be_used_are_refused() {
        let missing = Task::load(Path::new("no/such.txt"), 0).err().unwrap();
        assert!(missing.starts_with("cannot read no/such.txt: "), "{missing}");
        let file = std::env::temp_dir().join(format!("names-{}.txt", std::process::id()));
        for (content, sentence) in [
            (&b""[..], " is empty: a text is needed"),
            (b"a\tb\nM\xe4r\tc", ": line 2 is not UTF-8 text"),
            (b"a b", ": line 1: no tab separates the label from the text"),
        ] {
            std::fs::write(&file, content).unwrap();
            assert_eq!(Task::load(&file, 0).err(), Some(format!("{}{sentence}", file.display())));
        }
        std::fs::remove_file(&file).unwrap();
    }
}
