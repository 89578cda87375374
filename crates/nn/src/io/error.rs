//! The error of saving and loading.

use crate::error::{ErrorKind, Failure};
use std::fmt;
use std::io;
use std::path::Path;

/// A file that could not be written or read, and why.
///
/// Its [`kind`](FileError::kind) tells a failure of the system from a wrong file, and a wrong file from one that does not
/// fit the model. If the system reported the problem (no space left, no such file), its [`io::Error`] is the
/// [`source`](std::error::Error::source). The sentence is whole: it names the file and ends with what the system reported.
///
/// ```
/// use unspool::io::write_file;
/// let error = write_file("no/such/folder/losses.csv", "1\n").unwrap_err();
/// assert!(error.to_string().starts_with("cannot write no/such/folder/losses.csv: "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError(Failure);

impl FileError {
    /// What is wrong: [`ErrorKind`] has an example.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// For `map_err`: the system could not write the file at `path`.
    pub(super) fn cannot_write(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::io("cannot write", path, error)
    }

    fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        FileError(Failure::io(format_args!("{doing} {}", path.display()), source))
    }
}

#[cfg(any(feature = "npy", feature = "safetensors"))]
impl FileError {
    /// What is in the file at `path` is not valid.
    pub(super) fn new(path: &Path, problem: impl fmt::Display) -> Self {
        Self::of_kind(ErrorKind::InvalidData, path, problem)
    }

    /// There is not enough memory for what is in the file at `path`.
    pub(super) fn too_large(path: &Path, problem: impl fmt::Display) -> Self {
        Self::of_kind(ErrorKind::Io(io::ErrorKind::OutOfMemory), path, problem)
    }

    fn of_kind(kind: ErrorKind, path: &Path, problem: impl fmt::Display) -> Self {
        FileError(Failure::new(kind, format!("{} {problem}", path.display())))
    }

    /// For `map_err`: the system could not read the file at `path`.
    pub(super) fn cannot_read(path: &Path) -> impl Fn(io::Error) -> Self + Copy {
        move |error| Self::io("cannot read", path, error)
    }

    /// For `map_err`: the system could not save the file at `path`.
    pub(crate) fn cannot_save(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::io("cannot save", path, error)
    }
}

#[cfg(feature = "safetensors")]
impl FileError {
    /// What is in the file at `path` does not fit what it is loaded into.
    pub(crate) fn mismatch(path: &Path, problem: impl fmt::Display) -> Self {
        Self::of_kind(ErrorKind::Mismatch, path, problem)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.sentence)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
