//! A model's own names.

use super::checkpoint::Checkpoint;
use super::error::FileError;
use super::weight_file::WeightFile;
use std::path::Path;
use unspool_autograd::{Params, Real, Tensor};

/// Saves the weights of any model to a safetensors file, under the names of its leaves: `cell.x.weight`.
///
/// The file is written beside `path`, flushed to the disk, and takes the place of what was there: a kill or a power cut at
/// any moment leaves the old file or the new one. To save more than the weights, see [`Checkpoint`].
///
/// ```
/// use unspool_nn::rng;
/// use unspool_nn::io::{load, save};
/// use unspool_nn::layers::Dense;
/// use unspool_autograd::Tensor;
/// # let folder = std::env::temp_dir().join(format!("save-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let path = folder.join("dense.safetensors");
/// let trained: Dense<Tensor> = Dense::new(&mut rng(7), 3, 2);
/// save(&path, &trained)?;
///
/// let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 3, 2);
/// load(&path, &mut model)?;
/// assert_eq!(model.weight, trained.weight);
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), unspool_nn::io::FileError>(())
/// ```
///
/// # Errors
/// If the system cannot write the file. What was at `path` before is then still there, and nothing else.
///
/// # Panics
/// If two leaves have the same name.
#[track_caller]
pub fn save<T: Real, M: Params<Tensor<T>>>(path: impl AsRef<Path>, model: &M) -> Result<(), FileError> {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_model("", model);
    checkpoint.save(path)
}

/// Loads the weights of a model that [`save`] has saved.
///
/// The element type must be the same: a model of f64 is loaded as that, and [`cast`](unspool_autograd::ParamsExt::cast).
///
/// ```
/// use unspool_nn::rng;
/// use unspool_nn::io::{load, save};
/// use unspool_nn::layers::Dense;
/// use unspool_autograd::Tensor;
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
/// # Ok::<(), unspool_nn::io::FileError>(())
/// ```
///
/// The model's own weights need not be drawn first: [`init::skip`](crate::layers::init::skip).
///
/// # Errors
/// If the file cannot be read or is not valid, or if names are missing or unexpected, or shapes or element types differ:
/// all of these are listed. The model is then unchanged. [`WeightFile::strict`] loads what fits.
pub fn load<T: Real, M: Params<Tensor<T>>>(path: impl AsRef<Path>, model: &mut M) -> Result<(), FileError> {
    WeightFile::open(path)?.load("", model).map(drop)
}
