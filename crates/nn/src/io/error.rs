//! The error of saving and loading.

use std::fmt;
use std::io;
use std::path::Path;

/// A file that could not be written or read, and why.
///
/// If the operating system reported the problem (no space left, no such file), its [`io::Error`] is
/// the [`source`](std::error::Error::source).
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

    /// For `map_err`: the system could not read the file at `path`.
    pub(super) fn cannot_read(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        move |error| Self::io("cannot read", path, error)
    }

    /// For `map_err`: the system could not save the file at `path`.
    pub(super) fn cannot_save(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::io("cannot save", path, error)
    }

    fn io(doing: &str, path: &Path, source: io::Error) -> Self {
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
