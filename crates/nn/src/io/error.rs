//! What can be wrong with a file.

use std::fmt;
use std::io;
use std::path::Path;

/// A file that could not be written or read, and why.
///
/// If the operating system said so (no space left, no such file), that is its [`source`](std::error::Error::source), an
/// [`io::Error`].
#[derive(Debug)]
pub struct FileError {
    sentence: String,
    source: Option<io::Error>,
}

impl FileError {
    /// The file at `path` is not what it should be.
    pub(super) fn new(path: &Path, problem: impl fmt::Display) -> Self {
        FileError { sentence: format!("{} {problem}", path.display()), source: None }
    }

    /// The system could not do something (`cannot read`, `cannot save`) with the file at `path`.
    pub(super) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        FileError { sentence: format!("{doing} {}: {source}", path.display()), source: Some(source) }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
