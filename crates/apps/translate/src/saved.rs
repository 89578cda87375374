//! A trained model in a file, with its vocabularies.

use crate::MAX_HIDDEN;
use crate::data::{Languages, SPECIAL, Unit};
use crate::model::{Sizes, Translator};
use std::path::Path;
use unspool::io::{Checkpoint, WeightFile};
use unspool::prelude::*;
use unspool::text::Vocabulary;

/// A model, and the languages it was trained on.
pub(crate) struct Trained {
    pub(crate) languages: Languages,
    pub(crate) model: Translator<Tensor>,
}

impl Trained {
    pub(crate) fn save(&self, file: &Path) -> Result<(), String> {
        let Trained { languages: Languages { unit, source, target }, model } = self;
        let mut checkpoint = Checkpoint::new();
        checkpoint.put_model("model", model);
        checkpoint.put_numbers("sizes", &[model.sizes.hidden as u64, model.sizes.attention.into()]);
        checkpoint.put_text("unit", unit.to_string());
        checkpoint.put_text("source", source.to_json());
        checkpoint.put_text("target", target.to_json());
        checkpoint.save(file).map_err(|e| e.to_string())
    }

    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let cannot = |e: &dyn std::fmt::Display| format!("{} holds no translator: {e}", path.display());
        let file = WeightFile::open(path).map_err(|e| e.to_string())?;
        let text = |name| file.text(name).ok_or_else(|| cannot(&format!("it has no text {name:?}")));
        let vocabulary = |name| Vocabulary::from_json(text(name)?).map_err(|e| cannot(&e));
        let (unit, units) = (text("unit")?, [Unit::Characters, Unit::Words, Unit::Tokenized]);
        let unit = units.into_iter().find(|known| known.to_string() == unit);
        let unit = unit.ok_or_else(|| cannot(&"its unit is unknown"))?;
        let languages = Languages { unit, source: vocabulary("source")?, target: vocabulary("target")? };
        if !languages.target.tokens().iter().zip(SPECIAL).all(|(token, special)| token == special.text()) {
            return Err(cannot(&"its target vocabulary does not begin with <pad>, <bos> and <eos>"));
        }
        let [hidden, attention] = file.numbers("sizes").map_err(|e| e.to_string())?;
        if !(1..=MAX_HIDDEN).contains(&hidden) {
            return Err(cannot(&format!("{hidden} units; expected 1 to {MAX_HIDDEN}")));
        }
        let (source, target) = (languages.source.len(), languages.target.len());
        let sizes = Sizes { source, target, hidden: hidden as usize, attention: attention != 0 };
        let mut model = init::skip(|| Translator::new(&mut rng(0), sizes));
        file.load("model", &mut model).map_err(|e| e.to_string())?;
        match model.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|weight| weight.is_finite())) {
            true => Ok(Trained { languages, model }),
            false => Err(cannot(&"a weight is infinite or NaN")),
        }
    }
}
