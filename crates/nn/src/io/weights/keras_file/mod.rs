//! Keras's own files: the weights in an HDF5 file, `.weights.h5`, or in a zip file that has the
//! model's configuration beside it, `.keras`.
//!
//! What must stay true: a layer of the file is taken for one of the model only if the order of the
//! layers shows it, or their shapes leave no choice.

mod config;
mod hdf5;
mod layers;
mod order;

pub(super) use self::hdf5::Array;
use self::layers::{Layer, Reader};
use super::safetensors_header::Header;
use crate::io::error::FileError;
use crate::io::stored_zip::StoredZip;
use crate::messages::shortened;
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

/// The layers of a file that does not show their order.
pub(super) struct Layers(Layer);

impl Layers {
    /// The names in the model of the weights in the file, `0.kernel` for `lstm.kernel`. `shapes`
    /// are those of the model's weights.
    pub fn names(&self, shapes: &BTreeMap<String, Vec<usize>>) -> Result<BTreeMap<String, String>, String> {
        order::names(&self.0, shapes)
    }
}

/// The entries of a `.keras` file.
pub(super) const WEIGHTS: &str = "model.weights.h5";
const CONFIG: &str = "config.json";
/// The longest configuration.
const MAX_CONFIG: u64 = 1 << 24;
/// How deep groups may be in each other: a model in a model in a model takes 10.
const MAX_DEPTH: usize = 20;
/// The most groups and arrays that are read: a hostile file lists the same ones any number of times.
const MAX_ENTRIES: usize = 1 << 16;

/// What a Keras file has: arrays by the indices of their layers, `0.kernel`, or if it does not show these, by their
/// names, `lstm_1.kernel`.
pub(super) type Contents = (Header, BTreeMap<String, Array>, Option<Layers>);

/// Reads what the `.keras` file at `path` has.
pub(super) fn read_zip(file: File, path: &Path, zip: &StoredZip) -> Result<Contents, FileError> {
    let invalid = |problem: String| invalid(path, problem);
    let config = zip.bytes(&file, CONFIG, MAX_CONFIG).map_err(invalid)?;
    let config: serde_json::Value =
        serde_json::from_slice(&config).map_err(|e| invalid(format!("in {CONFIG}, {}", shortened(e))))?;
    let part = zip.range(WEIGHTS).map_err(invalid)?;
    let mut root = root(file, &part).map_err(invalid)?;
    root.arrange(&config).map_err(invalid)?;
    contents(root, path)
}

/// Reads what the `.weights.h5` file at `path` has.
pub(super) fn read_hdf5(file: File, path: &Path) -> Result<Contents, FileError> {
    let size = file.metadata().map_err(FileError::cannot_read(path))?.len();
    let root = root(file, &(0..size)).map_err(|problem| invalid(path, problem))?;
    contents(root, path)
}

fn invalid(path: &Path, problem: String) -> FileError {
    FileError::new(path, format_args!("is not a valid file of Keras weights: {problem}"))
}

fn root(file: File, part: &Range<u64>) -> Result<Layer, String> {
    let group = hdf5::root(file, part)?;
    let mut reader = Reader { file_size: part.end - part.start, left: MAX_ENTRIES };
    reader.layer(&group, MAX_DEPTH)
}

fn contents(root: Layer, path: &Path) -> Result<Contents, FileError> {
    if !root.has_weights() {
        // As in an `.h5` of `model.save`, the format of Keras 2.
        let sentence =
            "has no weights where Keras 3 puts them: load the model in Keras, and `model.save(\"model.keras\")`";
        return Err(FileError::new(path, sentence));
    }
    let arrays = root.arrays();
    let tensors = arrays.iter().map(|(name, array)| (name.clone(), array.info.clone())).collect();
    let layers = (!root.ordered).then_some(Layers(root));
    Ok((Header { tensors, texts: BTreeMap::new(), data: 0 }, arrays, layers))
}
