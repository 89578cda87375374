//! What the errors of files and of data are made of.

use std::fmt;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What is wrong, so that a program can decide what to do: on a full disk wait, with a wrong file ask for another one.
/// The same for all errors with a method `kind`: [`FileError`](crate::io::FileError) and
/// [`DataError`](crate::data::DataError).
///
/// ```
/// use std::io;
/// use unspool::data::Csv;
/// use unspool::io::ErrorKind;
/// let read = |path: &str| Csv::new().read::<f32>(path).map_err(|error| match error.kind() {
///     ErrorKind::Io(io::ErrorKind::NotFound) => "not there yet",
///     ErrorKind::Io(_) => "the system failed",
///     _ => "not what it should be",
/// });
/// assert_eq!(read("no/such/file.csv"), Err("not there yet"));
/// assert_eq!(read("Cargo.toml"), Err("not what it should be"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The system failed: there is no such file, no permission, no space on the disk, not enough memory. What it
    /// reported, if anything, is the [`source`](std::error::Error::source) of the error.
    Io(io::ErrorKind),
    /// What a file, a text or a data set holds is not valid.
    InvalidData,
    /// It is valid but does not fit what it is for: weights of another model, a checkpoint of another training, a
    /// vocabulary of another size.
    Mismatch,
}

/// A sentence, its kind, and the system's error that it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub sentence: String,
    pub kind: ErrorKind,
    /// It is only read, so a panic leaves it as it was.
    source: Option<Arc<AssertUnwindSafe<io::Error>>>,
}

impl Failure {
    pub fn new(kind: ErrorKind, sentence: String) -> Self {
        Failure { sentence, kind, source: None }
    }

    /// The system failed in doing something: the sentence ends with its own.
    pub fn io(doing: impl fmt::Display, source: io::Error) -> Self {
        let (sentence, kind) = (format!("{doing}: {source}"), ErrorKind::Io(source.kind()));
        Failure { sentence, kind, source: Some(Arc::new(AssertUnwindSafe(source))) }
    }

    pub fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &***source as _)
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Self) -> bool {
        (&self.sentence, self.kind) == (&other.sentence, other.kind)
    }
}

impl Eq for Failure {}
