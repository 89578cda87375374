//! Weights under the model's own names.

use super::checkpoint::Checkpoint;
use super::incompatible_keys::IncompatibleKeys;
use super::weight_file::WeightFile;
use super::weight_map::WeightMap;
use crate::io::error::FileError;
use std::path::Path;
use unspool_autograd::{Params, Real, Tensor};

/// Saves the weights of any model to a safetensors file, under the model's own names:
/// `cell.x.weight`.
///
/// The file is written next to `path`, flushed to disk, and then renamed over the old file: a kill
/// or a power failure at any moment leaves either the old file or the new one. To save more than
/// the weights, see [`Checkpoint`].
///
/// ```
/// use unspool::io::{load, save};
/// use unspool::{Dense, Tensor, init, rng};
/// # let folder = std::env::temp_dir().join(format!("save-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let path = folder.join("dense.safetensors");
/// let trained: Dense<Tensor> = Dense::new(&mut rng(7), 3, 2);
/// save(&path, &trained)?;
///
/// let mut model: Dense<Tensor> = init::skip(|| Dense::new(&mut rng(0), 3, 2)); // no weights are drawn
/// load(&path, &mut model)?;
/// assert_eq!(model.weight, trained.weight);
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// # Errors
/// If the system cannot write the file. The old file is then unchanged.
///
/// # Panics
/// If two weights have the same name.
#[cfg(feature = "safetensors")]
#[track_caller]
pub fn save<T: Real, M: Params<Tensor<T>>>(path: impl AsRef<Path>, model: &M) -> Result<(), FileError> {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_model("", model);
    checkpoint.save(path)
}

/// Loads the weights of a model that [`save`] saved.
///
/// The model says what to load; made within [`init::skip`](crate::layers::init::skip), it draws no
/// weights that would be replaced.
///
/// The element type must be the same: load an f64 model as f64, and then
/// [`cast`](unspool_autograd::ParamsExt::cast) it.
///
/// ```
/// use unspool::io::{load, save};
/// use unspool::{Dense, Tensor, rng};
/// # let folder = std::env::temp_dir().join(format!("load-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let path = folder.join("dense.safetensors");
/// save(&path, &Dense::<Tensor>::new(&mut rng(7), 3, 2))?;
/// let error = load(&path, &mut Dense::<Tensor<f64>>::new(&mut rng(0), 3, 4)).unwrap_err();
/// assert!(error.to_string().ends_with(
///     "dense.safetensors does not fit the model: \"weight\" has shape [3, 2], expected [3, 4]; \
///      \"weight\" holds f32, expected f64; \"bias\" has shape [2], expected [4]; \"bias\" holds f32, expected f64"
/// ));
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// # Errors
/// If the file cannot be read or is not valid, or if names are missing or unexpected, or shapes or
/// element types differ: the error lists all of these. The model is then unchanged. With
/// [`strict(false)`](WeightFile::strict), a [`WeightFile`] loads the names that match.
#[cfg(feature = "safetensors")]
pub fn load<T: Real, M: Params<Tensor<T>>>(path: impl AsRef<Path>, model: &mut M) -> Result<(), FileError> {
    WeightFile::open(path)?.load("", model).map(drop)
}

impl Checkpoint {
    /// Puts the weights of `model` under `prefix`; with `""`, under their own names.
    ///
    /// # Panics
    /// If a name is taken.
    #[track_caller]
    pub fn put_model<T: Real, M: Params<Tensor<T>>>(&mut self, prefix: &str, model: &M) {
        self.put_with(prefix, model, own_names);
    }
}

impl WeightFile {
    /// Loads the weights of `model` from under `prefix`; with `""`, from the whole file.
    ///
    /// # Errors
    /// If names are missing, or there are others under `prefix`, or shapes or element types differ,
    /// all of which are listed; or if the file cannot be read, or there is no memory for the
    /// weights beside those of the model. The model is then unchanged. See
    /// [`strict`](WeightFile::strict).
    pub fn load<T: Real, M>(&self, prefix: &str, model: &mut M) -> Result<IncompatibleKeys, FileError>
    where
        M: Params<Tensor<T>>,
    {
        self.load_with(prefix, model, own_names)
    }
}

/// Each weight under its own name and as is.
fn own_names<T: Real, M: Params<Tensor<T>>>(model: &mut M, map: &mut WeightMap<'_>) {
    let mut leaves = Vec::new();
    model.visit_leaves_mut(unspool_autograd::Path::ROOT, &mut |path, leaf| leaves.push((path.to_string(), leaf)));
    for (name, leaf) in leaves {
        map.same(&name, leaf);
    }
}
