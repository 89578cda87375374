//! NumPy's files: one array (npy), or a zip file of several (npz).

mod inflate;
mod npy;
mod npz;
mod write_npz;

#[cfg(feature = "safetensors")]
pub(super) use npy::ArrayHeader;
pub use npy::{read_npy, write_npy};
#[cfg(feature = "safetensors")]
pub(super) use npz::Npz;
pub use npz::{read_npz, read_npz_with_limit};
pub use write_npz::write_npz;
