//! Models and tensors in files.

#[cfg(feature = "safetensors")]
mod checkpoint;
#[cfg(feature = "safetensors")]
mod checkpoint_file;
mod disk;
mod error;
mod foreign;
#[cfg(any(feature = "npy", feature = "safetensors"))]
mod half;
#[cfg(feature = "safetensors")]
mod header;
#[cfg(feature = "safetensors")]
mod incompatible;
#[cfg(feature = "npy")]
mod inflate;
#[cfg(feature = "safetensors")]
mod keras;
#[cfg(feature = "safetensors")]
mod native;
#[cfg(feature = "npy")]
mod npy;
#[cfg(feature = "npy")]
mod npz;
#[cfg(any(feature = "npy", feature = "safetensors"))]
mod room;
#[cfg(feature = "safetensors")]
mod source;
#[cfg(feature = "safetensors")]
mod state_dict;
#[cfg(feature = "safetensors")]
mod torch;

#[cfg(feature = "safetensors")]
pub use checkpoint::Checkpoint;
#[cfg(feature = "safetensors")]
pub(crate) use checkpoint::shared;
#[cfg(feature = "safetensors")]
pub use checkpoint_file::CheckpointFile;
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
pub use state_dict::StateDict;
#[cfg(feature = "safetensors")]
pub use torch::{TorchState, load_torch, save_torch};
