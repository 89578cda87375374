//! What is saved beside the weights of a model: its sizes and options, and its training.

use super::Outcome;
use super::options::{CellKind, LAYERS, Options, SIZE};
use crate::corpus::Unit;
use clap::ValueEnum;
use std::path::Path;
use unspool::io::{Checkpoint, WeightFile};
use unspool::prelude::*;
use unspool::text::{LanguageModel, Vocabulary};

/// What a model is made with.
pub(super) struct Saved {
    pub(super) unit: Unit,
    pub(super) cell: CellKind,
    pub(super) vocabulary: Vocabulary,
    /// In the order of `SIZES`.
    sizes: [u64; 4],
}

const SIZES: [&str; 4] = ["--embedding", "--hidden", "--layers", "--tied"];

impl Saved {
    pub(super) fn of(options: &Options, unit: Unit, vocabulary: Vocabulary) -> Self {
        let &Options { cell, embedding, hidden, layers, tied, .. } = options;
        Saved { unit, cell, vocabulary, sizes: [embedding as u64, hidden as u64, layers as u64, u64::from(tied)] }
    }

    /// Its first weights.
    pub(super) fn model<C>(&self, rng: &mut Rng, cell: fn(&mut Rng, usize, usize) -> C) -> LanguageModel<Tensor, C> {
        let [embedding, hidden, layers, tied] = self.sizes.map(|size| size as usize);
        let hidden = vec![hidden; layers];
        match tied {
            0 => LanguageModel::new(rng, self.vocabulary.len(), embedding, hidden, cell),
            _ => LanguageModel::tied(rng, self.vocabulary.len(), embedding, hidden, cell),
        }
    }

    pub(super) fn put(&self, checkpoint: &mut Checkpoint) {
        checkpoint.put_text("unit", self.unit.name());
        checkpoint.put_text("cell", self.cell_name());
        checkpoint.put_text("vocabulary", self.vocabulary.to_json());
        checkpoint.put_numbers("sizes", &self.sizes);
        checkpoint.put_numbers("tokens", &[self.vocabulary.len() as u64]);
    }

    pub(super) fn read(file: &WeightFile, path: &Path, unit: Unit) -> Outcome<Self> {
        let name = path.display();
        let foreign = |what: &str| format!("{name} has no {what}: it must be a file that --save has written");
        let text = |what: &str| file.text(what).ok_or_else(|| foreign(what));
        let is = match text("unit")? {
            "words" => Unit::Words,
            "tokenized words" => Unit::Tokenized,
            "characters" => Unit::Characters,
            _ => return Err(format!("{name} holds a model of neither words nor characters").into()),
        };
        // How a text is split into words, the file knows.
        if (is == Unit::Characters) != (unit == Unit::Characters) {
            return Err(format!("{name} holds a model of {}, not of {}", is.plural(), unit.plural()).into());
        }
        let cell = text("cell")?;
        let cell = CellKind::from_str(cell, false).map_err(|_| format!("{name} holds a model of unknown cells"))?;
        let vocabulary = Vocabulary::from_json(text("vocabulary")?).map_err(|e| format!("{name}: {e}"))?;
        let [tokens] = file.numbers("tokens")?;
        vocabulary.fits(tokens as usize).map_err(|e| format!("{name}: {e}"))?;
        let sizes = file.numbers("sizes")?;
        for ((size, most), what) in sizes.into_iter().zip([SIZE, SIZE, LAYERS, 1]).zip(SIZES) {
            let least = u64::from(what != "--tied");
            if !(least..=most).contains(&size) {
                return Err(format!("{name} has {size} for {what}: it must be from {least} to {most}").into());
            }
        }
        Ok(Saved { unit: is, cell, vocabulary, sizes })
    }

    /// Loads the best model, from whose scores a token can be drawn.
    pub(super) fn load_best<M: Params<Tensor>>(file: &WeightFile, path: &Path, model: &mut M) -> Outcome {
        file.load("best", model)?;
        let finite = |leaf: &&Tensor| leaf.to_vec().iter().all(|weight| weight.is_finite());
        match model.leaves().iter().all(finite) {
            true => Ok(()),
            false => Err(format!("{}: a weight is infinite or NaN", path.display()).into()),
        }
    }

    /// Says where a file's model is another than this one.
    pub(super) fn must_be(&self, other: &Saved, path: &Path) -> Outcome {
        let differs = |what: &str, is: &dyn std::fmt::Display, asked: &dyn std::fmt::Display| {
            Err(format!("{} was saved with {what} {is}, not {asked}", path.display()).into())
        };
        if self.unit != other.unit {
            return Err(
                format!("{} was saved with {}, not {}", path.display(), other.unit.name(), self.unit.name()).into()
            );
        }
        if self.cell != other.cell {
            return differs("--cell", &other.cell_name(), &self.cell_name());
        }
        for (i, what) in SIZES.into_iter().enumerate() {
            if self.sizes[i] != other.sizes[i] {
                return differs(what, &other.sizes[i], &self.sizes[i]);
            }
        }
        if self.vocabulary.tokens() != other.vocabulary.tokens() {
            return Err(format!("{} was saved with another vocabulary: that of another text", path.display()).into());
        }
        Ok(())
    }

    fn cell_name(&self) -> String {
        self.cell.to_possible_value().expect("no cell is hidden").get_name().to_string()
    }
}
