//! Files to read, and to replace.

use super::error::FileError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Opens a file to read, and nothing else that has a path.
pub(super) fn open(path: &Path) -> Result<File, FileError> {
    let unreadable = |error| FileError::io("cannot read", path, error);
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(FileError::new(path, "is not a file"));
    }
    File::open(path).map_err(unreadable)
}

/// Puts what `fill` writes into the file at `path`, as a whole or not at all: [`replace`](crate::replace::replace).
pub(super) fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), FileError> {
    crate::replace::replace(path, fill).map_err(|error| FileError::io("cannot save", path, error))
}
