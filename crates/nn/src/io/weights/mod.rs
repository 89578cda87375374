//! The weights of models in safetensors files, in npz files of the same names, and in PyTorch's and
//! Keras's own files.
//!
//! [`Checkpoint`] holds what is saved and [`WeightFile`] reads what was saved: both know names and
//! tensors, but no models. A [`WeightMap`] connects a model with either of them: it maps each
//! weight to its name and its form in the file. `native` maps a model's own names, `torch`
//! PyTorch's, `keras` Keras's.
//!
//! What must stay true: after an error the model is unchanged and the file on disk is the old one;
//! a name, shape or element type that does not fit is an error before anything is read; reading
//! takes no more memory than the model.

mod checkpoint;
mod incompatible_keys;
mod keras;
#[cfg(feature = "keras")]
mod keras_file;
mod native;
mod safetensors_header;
#[cfg(feature = "torch")]
mod strided;
mod tensor_source;
mod torch;
#[cfg(feature = "torch")]
mod torch_file;
mod weight_file;
mod weight_map;

pub use checkpoint::Checkpoint;
pub use incompatible_keys::IncompatibleKeys;
pub use keras::{KerasState, load_keras, save_keras};
pub use native::{load, save};
pub use torch::{TorchState, load_torch, save_torch};
pub use weight_file::WeightFile;
pub use weight_map::WeightMap;
pub(crate) use weight_map::shallow_clone;
