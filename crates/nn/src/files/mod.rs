//! Files: what is read is a file and has an end; what is written is there as a whole or not at all.

mod read;
mod replace;

pub(crate) use read::{open, read};
pub(crate) use replace::replace;
