//! From measured data to examples: reading, differencing, scaling, splitting, windowing, padding,
//! batching.
//!
//! What must stay true: whatever comes from outside is checked here, and a misfit is a
//! [`DataError`] that states what was wrong, where, and what was expected; validation and test data
//! never influence what is fitted on training data.

pub(crate) mod batches;
pub(crate) mod buckets;
pub(crate) mod csv;
pub(crate) mod dataset;
pub(crate) mod differences;
pub(crate) mod error;
pub(crate) mod examples;
pub(crate) mod inputs;
pub(crate) mod padding;
pub(crate) mod parts;
#[cfg(feature = "serde")]
mod saved;
pub(crate) mod scalers;
pub(crate) mod source;
pub(crate) mod split;
pub(crate) mod text_file;
pub(crate) mod windows;

pub use batches::{Batches, permutation};
pub use buckets::buckets;
pub use csv::{Column, Csv, CsvTable};
pub use dataset::Dataset;
pub use differences::Differences;
pub use error::DataError;
pub use examples::{Examples, OnTape};
pub use inputs::Inputs;
pub use padding::{Padded, pad, pad_tokens};
pub use scalers::{MinMaxScaler, StandardScaler};
pub use source::DataSource;
pub use split::time_split;
pub use windows::Windows;
