//! Conversions between tensors and other types: nested arrays and vectors, and the arrays of
//! `ndarray` (feature `ndarray`).

mod error;
#[cfg(feature = "ndarray")]
mod ndarray;
mod nested;

pub use error::ConversionError;
