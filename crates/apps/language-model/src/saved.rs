//! A file with a model, and with what it takes to sample from it or to resume its training.

use crate::Outcome;
use crate::corpus::Corpus;
use crate::options::Options;
use clap::Parser;
use std::path::Path;
use unspool::ParamsExt;
use unspool::io::{Checkpoint, FileError, WeightFile};
use unspool::prelude::*;
use unspool::text::Vocabulary;

/// The name of the text that tells one text from another.
const HASH: &str = "the hash of the text";

pub(crate) fn save<M: Params<Tensor>>(
    path: &Path,
    options: &Options,
    corpus: &Corpus,
    model: &M,
) -> Result<(), FileError> {
    let mut checkpoint = Checkpoint::new();
    for (name, value) in options.fixed() {
        checkpoint.put_text(name, value);
    }
    checkpoint.put_text(HASH, corpus.hash().to_string());
    checkpoint.put_text("vocabulary", corpus.vocabulary.to_json());
    checkpoint.put_model("model", model);
    checkpoint.save(path)
}

/// The options that the model of a file was made with, and its vocabulary.
pub(crate) fn read(file: &WeightFile, path: &Path) -> Outcome<(Options, Vocabulary)> {
    let path = path.display();
    let text = |name: &str| file.text(name).ok_or_else(|| format!("{path} has no {name}: it is not from --save"));
    let mut arguments = vec!["language-model".to_string()];
    for (name, _) in Options::parse_from([""]).fixed() {
        arguments.push(format!("{name}={}", text(name)?));
    }
    let first_line = |e: clap::Error| e.to_string().lines().next().unwrap_or_default().replace("error: ", "");
    let options = Options::try_parse_from(arguments).map_err(|e| format!("{path}: {}", first_line(e)))?;
    let vocabulary = Vocabulary::from_json(text("vocabulary")?).map_err(|e| format!("{path}: {e}"))?;
    Ok((options, vocabulary))
}

/// The model of a file, from whose scores a token can be drawn.
pub(crate) fn load<M: Params<Tensor>>(file: &WeightFile, mut model: M) -> Outcome<M> {
    file.load("model", &mut model)?;
    match model.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|weight| weight.is_finite())) {
        true => Ok(model),
        false => Err("a weight of the model is infinite or NaN".into()),
    }
}

/// Returns an error if a file was saved in a training with other options or another text.
pub(crate) fn check_same(path: &Path, options: &Options, corpus: &Corpus) -> Outcome {
    let file = WeightFile::open(path)?;
    for (name, now) in options.fixed().into_iter().chain([(HASH, corpus.hash().to_string())]) {
        let before = file.text(name).unwrap_or("nothing");
        if before != now {
            return Err(format!("{} was saved with {name} {before}, not {now}", path.display()).into());
        }
    }
    Ok(())
}
