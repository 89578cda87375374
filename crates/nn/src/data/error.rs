//! The error of preparing data.

use std::fmt;

/// Data that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError(pub(crate) String);

impl DataError {
    /// An error of a [`DataSource`](crate::data::DataSource) of your own: a sentence that says what was wrong.
    pub fn new(sentence: impl Into<String>) -> Self {
        DataError(sentence.into())
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DataError {}
