//! From what was measured to examples: reading, differencing, scaling, splitting, cutting, padding.

mod batches;
mod buckets;
mod csv;
mod differences;
mod padding;
mod scalers;
mod split;
mod windows;

pub use batches::Batches;
pub use buckets::buckets;
pub use csv::{Column, Csv, CsvTable};
pub use differences::Differences;
pub use padding::{Padded, pad};
pub use scalers::{MinMaxScaler, StandardScaler};
pub use split::time_split;
pub use windows::Windows;
