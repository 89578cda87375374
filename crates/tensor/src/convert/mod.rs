//! Conversions between tensors and other types: nested arrays and vectors, the arrays of `ndarray`
//! (feature `ndarray`), and whatever formats `serde` writes (feature `serde`).

mod error;
#[cfg(feature = "ndarray")]
mod ndarray;
mod nested;
#[cfg(feature = "serde")]
mod serde;

pub use error::ConversionError;
