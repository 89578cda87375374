//! Which language is a name from? One class for a whole sequence of characters.
//!
//! ```text
//! cargo run --release --example names
//! cargo run --release --example names -- --predict Kowalczyk
//! cargo run --release --example names -- --data sentences.txt
//! ```
//!
//! Each character becomes a vector, a recurrent layer reads the vectors one after the other, and its
//! output after the last character of each name is scored for each language. Names have different
//! lengths: a batch is padded, and `with_lengths` says where each name ends.

#![forbid(unsafe_code)]

#[path = "shared/cli.rs"]
mod cli;

use std::collections::BTreeMap;
use std::error::Error;
use unspool::data::{pad_tokens, permutation};
use unspool::losses::sparse_cross_entropy;
use unspool::prelude::*;
use unspool::text::{SpecialToken, Vocabulary, characters, read_text};
use unspool::train::metrics::{ConfusionMatrix, sparse_accuracy};

const USAGE: &str = "Learns the labels of short texts, character by character.

  --data FILE     lines of a label, a tab and a text; without it, names in eight languages
  --predict TEXT  the most probable labels of this text
  --epochs 20     passes over the training texts
  --seed 0        of the initial weights, the order and the texts held out";

/// Family names, and some given names, 60 of each of eight languages.
const NAMES: &str = include_str!("names.txt");
const EMBEDDING: usize = 32;
const HIDDEN: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let cli = cli::Cli::read(USAGE);
    let text = cli.optional("data").map_or(Ok(NAMES.to_string()), read_text)?;
    let seed = cli.get("seed");
    let Task { train, test, characters: known, labels } = Task::new(&text, seed)?;

    let mut model = sequential()
        .seed(seed)
        .add(embedding(known.len(), EMBEDDING))
        .add(gru(EMBEDDING, HIDDEN))
        .add(dropout(0.5))
        .add(dense(HIDDEN, labels.len()));
    println!("{} texts to train on, {} held out\n{}", train.len(), test.len(), summary(&model));
    fit(&mut model, &train)
        .loss(sparse_cross_entropy)
        .optimizer(Adam::default().learning_rate(3e-3).clip_norm(1.0))
        .metric("accuracy", sparse_accuracy)
        .validate(&test)
        .bucket_by_length()
        .batch_size(16)
        .epochs(cli.get("epochs"))
        .seed(seed)
        .run()?;

    let confusion = ConfusionMatrix::new(&predict(&model, &test), test.y().clone()).labels(labels.tokens());
    println!("\n{confusion}\n\n{:.1}% of the texts held out are right", 100.0 * confusion.accuracy());
    if let Some(text) = cli.optional("predict") {
        let tokens = known.encode_known(characters(&text.to_lowercase()))?;
        let scores = predict(&model, &pad_tokens(&[tokens], 0)?);
        for (label, probability) in labels.top_k(&scores, 3) {
            println!("{text}: {label}, {:.1}%", 100.0 * probability);
        }
    }
    Ok(())
}

/// Texts and their labels, as tokens and classes.
struct Task {
    train: Dataset<Indices, Indices>,
    test: Dataset<Indices, Indices>,
    characters: Vocabulary,
    labels: Vocabulary,
}

impl Task {
    /// Reads lines of a label, a tab and a text. A fifth of the texts is held out, whatever their
    /// labels: a text with several labels is held out with all of them.
    fn new(lines: &str, seed: u64) -> Result<Self, Box<dyn Error>> {
        let mut labels_of: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (i, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let pair = line.split_once('\t').map(|(label, text)| (label.trim(), text.trim().to_lowercase()));
            let (label, text) = pair
                .filter(|(_, text)| !text.is_empty())
                .ok_or_else(|| format!("line {} is not a label, a tab and a text", i + 1))?;
            labels_of.entry(text).or_default().push(label);
        }
        let texts: Vec<(String, Vec<&str>)> = labels_of.into_iter().collect();
        let order = permutation(texts.len(), seed);
        let (test, train) = order.split_at(texts.len() / 5);

        let known = Vocabulary::new(train.iter().flat_map(|&i| characters(&texts[i].0)), 1, [SpecialToken::Unk])?;
        let labels = Vocabulary::new(texts.iter().flat_map(|(_, labels)| labels.iter().copied()), 1, [])?;
        let dataset = |part: &[usize]| -> Result<_, Box<dyn Error>> {
            let examples = part.iter().flat_map(|&i| texts[i].1.iter().map(move |label| (i, *label)));
            let (tokens, names): (Vec<_>, Vec<&str>) =
                examples.map(|(i, label)| (known.encode(characters(&texts[i].0)), label)).unzip();
            let padded = pad_tokens(&tokens.into_iter().collect::<Result<Vec<_>, _>>()?, 0)?;
            Ok(Dataset::classes(padded.x, labels.encode(names)?)?.with_lengths(padded.lengths)?)
        };
        let (train, test) = (dataset(train)?, dataset(test)?);
        Ok(Task { train, test, characters: known, labels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_character_that_decides_may_be_anywhere() -> Result<(), Box<dyn Error>> {
        let text =
            |i: usize| format!("{}\t{}{}{}\n", i % 2, "ab".repeat(i / 10), ["x", "y"][i % 2], "ba".repeat(i % 5));
        let Task { train, test, characters, labels } = Task::new(&(0..40).map(text).collect::<String>(), 0)?;
        assert_eq!((train.len(), test.len(), characters.len(), labels.len()), (32, 8, 5, 2));
        let mut model = sequential().add(embedding(5, 8)).add(gru(8, 8)).add(dense(8, 2));
        let adam = Adam::default().learning_rate(2e-2);
        fit(&mut model, &train).loss(sparse_cross_entropy).optimizer(adam).batch_size(8).epochs(60).quiet().run()?;
        assert_eq!(evaluate(&model, &test, sparse_accuracy), 1.0);
        let mistake = Task::new("a\tb\n\nc d\n", 0).err().expect("refused").to_string();
        assert_eq!(mistake, "line 3 is not a label, a tab and a text");
        Ok(())
    }
}
