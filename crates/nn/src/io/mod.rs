//! Models and tensors in files.

#[cfg(feature = "safetensors")]
pub(crate) mod checkpoint;
#[cfg(any(feature = "npy", feature = "safetensors"))]
pub(crate) mod disk;
#[cfg(any(feature = "npy", feature = "safetensors"))]
pub(crate) mod error;
pub(crate) mod files;
#[cfg(any(feature = "npy", feature = "safetensors"))]
pub(crate) mod foreign;
#[cfg(any(feature = "npy", feature = "safetensors"))]
pub(crate) mod half;
#[cfg(feature = "safetensors")]
pub(crate) mod header;
#[cfg(feature = "safetensors")]
pub(crate) mod incompatible;
#[cfg(feature = "npy")]
pub(crate) mod inflate;
#[cfg(feature = "safetensors")]
pub(crate) mod keras;
#[cfg(feature = "safetensors")]
pub(crate) mod native;
#[cfg(feature = "npy")]
pub(crate) mod npy;
#[cfg(feature = "npy")]
pub(crate) mod npz;
#[cfg(any(feature = "npy", feature = "safetensors"))]
pub(crate) mod room;
#[cfg(feature = "safetensors")]
pub(crate) mod source;
#[cfg(feature = "safetensors")]
pub(crate) mod torch;
#[cfg(feature = "safetensors")]
pub(crate) mod weight_file;
#[cfg(feature = "safetensors")]
pub(crate) mod weight_map;

#[cfg(feature = "safetensors")]
pub use checkpoint::Checkpoint;
#[cfg(feature = "safetensors")]
pub(crate) use checkpoint::shared;
#[cfg(any(feature = "npy", feature = "safetensors"))]
pub use error::FileError;
#[cfg(feature = "safetensors")]
pub use incompatible::IncompatibleKeys;
#[cfg(feature = "safetensors")]
pub use keras::{KerasState, load_keras, save_keras};
#[cfg(feature = "safetensors")]
pub use native::{load, save};
#[cfg(feature = "npy")]
pub use npy::{read_npy, write_npy};
#[cfg(feature = "npy")]
pub use npz::{read_npz, read_npz_with_limit};
#[cfg(feature = "safetensors")]
pub use torch::{TorchState, load_torch, save_torch};
#[cfg(feature = "safetensors")]
pub use weight_file::WeightFile;
#[cfg(feature = "safetensors")]
pub use weight_map::WeightMap;
