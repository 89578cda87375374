//! From what was measured to examples: reading, scaling, splitting, cutting, padding.

mod batches;
mod buckets;
mod padding;
#[cfg(feature = "csv")]
mod read_csv;
mod scalers;
mod split;
mod windows;

pub use batches::Batches;
pub use buckets::buckets;
pub use padding::{Padded, pad};
#[cfg(feature = "csv")]
pub use read_csv::{Column, Csv};
pub use scalers::{MinMaxScaler, StandardScaler};
pub use split::time_split;
pub use windows::Windows;
