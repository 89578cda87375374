//! Files: what is read is a file and has an end; what is written is there as a whole or not at all.

mod read;
mod replace;
mod temporary;
mod text;

pub(crate) use read::{open, read};
pub(crate) use replace::replace;
#[cfg(feature = "safetensors")]
pub(crate) use replace::try_replace;
pub(crate) use text::{line_ends, text};
