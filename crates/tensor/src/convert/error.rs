//! The error of conversions.

use std::fmt;

/// Values that do not become what was requested, and why: rows of different lengths, or a tensor
/// with another number of axes.
///
/// ```
/// use unspool::Tensor;
/// let rows = vec![vec![1.0, 2.0], vec![3.0]];
/// let error = Tensor::<f32>::try_from(rows).unwrap_err();
/// assert_eq!(error.to_string(), "the length of row 1 is 1, expected 2 as in row 0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversionError(pub(super) String);

impl fmt::Display for ConversionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConversionError {}
