//! Saving and loading: models in safetensors files, PyTorch's and Keras's weights (feature
//! `safetensors`; from their own files with the features `torch` and `keras`), NumPy's arrays
//! (feature `npy`). Whatever is written, [`write_file`] included, replaces a file as a whole or not
//! at all.

#[cfg(any(feature = "npy", feature = "safetensors"))]
mod allocate;
#[cfg(any(feature = "npy", feature = "safetensors"))]
mod chunks;
mod error;
pub(crate) mod files;
#[cfg(any(feature = "npy", feature = "safetensors"))]
mod half_precision;
#[cfg(feature = "npy")]
mod numpy;
#[cfg(any(feature = "keras", feature = "torch"))]
mod stored_zip;
#[cfg(feature = "safetensors")]
mod weights;
mod write_file;
#[cfg(any(feature = "npy", feature = "safetensors"))]
mod wrong_format;

pub use crate::error::ErrorKind;
pub use error::FileError;
// What is public in these modules has their feature as a condition of its own, too: on the pages of the crate that re-exports
// this one, rustdoc marks an item with its own conditions alone.
#[cfg(feature = "npy")]
pub use numpy::{read_npy, read_npz, read_npz_with_limit, write_npy, write_npz};
#[cfg(feature = "safetensors")]
pub(crate) use weights::shallow_clone;
#[cfg(feature = "safetensors")]
pub use weights::{
    Checkpoint, IncompatibleKeys, KerasState, TorchState, WeightFile, WeightMap, load, load_keras, load_torch, save,
    save_keras, save_torch,
};
pub use write_file::{check_writable, write_file};
