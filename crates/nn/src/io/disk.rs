//! Files to read, and to replace.

use super::error::FileError;
use crate::io::files;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Opens a file to read, and nothing else that has a path.
pub(super) fn open(path: &Path) -> Result<File, FileError> {
    files::open(path).map_err(|error| FileError::io("cannot read", path, error))
}

/// Puts what `fill` writes into the file at `path`, as a whole or not at all.
pub(super) fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), FileError> {
    files::replace(path, fill).map_err(|error| FileError::io("cannot save", path, error))
}
