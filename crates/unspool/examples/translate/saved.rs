//! A trained model in a file, with its vocabularies.

use crate::UNITS;
use crate::data::{BEGIN, END, Languages, PADDING, Unit};
use crate::model::{Sizes, Translator};
use std::path::Path;
use unspool::io::{Checkpoint, WeightFile};
use unspool::prelude::*;
use unspool::text::{SpecialToken, Vocabulary};

/// A model, and the languages it was trained on.
pub(crate) struct Trained {
    pub(crate) languages: Languages,
    pub(crate) model: Translator<Tensor>,
}

impl Trained {
    pub(crate) fn save(&self, file: &Path) -> Result<(), String> {
        let Languages { unit, source, target } = &self.languages;
        let mut checkpoint = Checkpoint::new();
        checkpoint.put_model("model", &self.model);
        checkpoint.put_text("unit", unit.name());
        checkpoint.put_text("source", source.to_json());
        checkpoint.put_text("target", target.to_json());
        checkpoint.save(file).map_err(|e| e.to_string())
    }

    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let sentence = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let file = WeightFile::open(path).map_err(|e| e.to_string())?;
        let text =
            |name| file.text(name).ok_or_else(|| sentence(&format!("it holds no translator: it has no text {name:?}")));
        let unit =
            [Unit::Characters, Unit::Words, Unit::Tokenized].into_iter().find(|unit| text("unit") == Ok(unit.name()));
        let unit = unit.ok_or_else(|| sentence(&"it holds no translator of characters or words"))?;
        let vocabulary = |name| Vocabulary::from_json(text(name)?).map_err(|e| sentence(&e));
        let languages = Languages { unit, source: vocabulary("source")?, target: vocabulary("target")? };
        let special = [(SpecialToken::Pad, PADDING), (SpecialToken::Bos, BEGIN), (SpecialToken::Eos, END)];
        if let Some((token, id)) =
            special.into_iter().find(|&(token, id)| languages.target.special_token_id(token) != Some(id))
        {
            return Err(sentence(&format!("token {id} of the target's vocabulary is not {}", token.text())));
        }
        // The sizes are those of the weights that are there.
        let shape = |name: &str| match file.tensor::<f32>(&format!("model.{name}.weight")) {
            Ok(weight) if weight.shape().rank() == 2 => Ok([weight.shape()[0], weight.shape()[1]]),
            Ok(weight) => {
                Err(sentence(&format!("the weight of {name} has the shape {}, expected two axes", weight.shape())))
            }
            Err(e) => Err(e.to_string()),
        };
        let ([source, hidden], [target, _], [merged, out]) = (shape("source")?, shape("target")?, shape("merge")?);
        if !(1..=UNITS).contains(&(hidden as u64)) {
            return Err(sentence(&format!("the weight of source has {hidden} columns, expected 1 to {UNITS}")));
        }
        languages.source.fits(source).and(languages.target.fits(target)).map_err(|e| sentence(&e))?;
        // No weights are drawn for a file that may have none for these sizes.
        let sizes = Sizes { source, target, hidden, attention: merged > out };
        let mut model = init::skip(|| Translator::new(&mut rng(0), sizes));
        file.load("model", &mut model).map_err(|e| e.to_string())?;
        let finite = |leaf: &&Tensor| leaf.to_vec().iter().all(|weight| weight.is_finite());
        match model.leaves().iter().all(finite) {
            true => Ok(Trained { languages, model }),
            false => Err(sentence(&"a weight is infinite or NaN")),
        }
    }

    /// The same, if these are the languages that it was trained on.
    pub(crate) fn fitting(self, languages: &Languages, path: &Path) -> Result<Self, String> {
        let own = &self.languages;
        if own.source.tokens() == languages.source.tokens() && own.target.tokens() == languages.target.tokens() {
            return Ok(self);
        }
        let sizes = |of: &Languages| format!("{} and {} {}", of.source.len(), of.target.len(), of.unit.name());
        Err(format!(
            "{}: it was trained with another vocabulary, of {}, where these sentences have {}",
            path.display(),
            sizes(own),
            sizes(languages)
        ))
    }
}
