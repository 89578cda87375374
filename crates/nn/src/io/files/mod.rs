//! Files: only regular ones are read, and one that is written is replaced as a whole or not at all.

mod read;
mod replace;
mod temporary;

pub(crate) use read::{open, read};
pub(crate) use replace::{replace, try_replace};
