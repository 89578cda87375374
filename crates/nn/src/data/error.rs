//! The error of preparing data.

use crate::error::{ErrorKind, Failure};
use std::fmt;
use std::io;
use std::path::Path;

/// Data that cannot be used, and why.
///
/// Its [`kind`](DataError::kind) tells a failure of the system from wrong data. If the system reported the problem (no
/// such file), its [`io::Error`] is the [`source`](std::error::Error::source). The sentence is whole: it ends with what the
/// system reported.
///
/// ```
/// use unspool::{Dataset, Tensor};
/// let error = Dataset::new(Tensor::<f32>::zeros([10, 2]), Tensor::<f32>::zeros([9, 1])).unwrap_err();
/// println!("{error}");
/// assert!(error.to_string().contains("10") && error.to_string().contains('9'));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError(Failure);

impl DataError {
    /// Data that are not what they should be, of the kind [`InvalidData`](ErrorKind::InvalidData): a sentence that says
    /// what was wrong.
    pub fn new(sentence: impl Into<String>) -> Self {
        DataError(Failure::new(ErrorKind::InvalidData, sentence.into()))
    }

    /// Data that the system could not read, of the kind [`Io`](ErrorKind::Io): what was tried, and the system's error, with
    /// which the sentence ends.
    ///
    /// ```
    /// use std::io;
    /// use unspool::data::DataError;
    /// use unspool::io::ErrorKind;
    /// let error = DataError::io("cannot read row 3", io::Error::from(io::ErrorKind::UnexpectedEof));
    /// assert_eq!(error.to_string(), "cannot read row 3: unexpected end of file");
    /// assert_eq!(error.kind(), ErrorKind::Io(io::ErrorKind::UnexpectedEof));
    /// ```
    pub fn io(tried: impl fmt::Display, error: io::Error) -> Self {
        DataError(Failure::io(tried, error))
    }

    /// Data that are valid but do not fit what they are for.
    pub(crate) fn mismatch(sentence: String) -> Self {
        DataError(Failure::new(ErrorKind::Mismatch, sentence))
    }

    /// What is wrong: [`ErrorKind`] has an example.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The same, of data in a file.
    pub(super) fn in_file(mut self, path: &Path) -> Self {
        self.0.sentence = format!("{}: {}", path.display(), self.0.sentence);
        self
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.sentence)
    }
}

impl std::error::Error for DataError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
