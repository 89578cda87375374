//! Splitting data in the order of time.

use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::examples::Examples;
use std::ops::Range;

/// Splits `n` rows into parts of the given proportions, in the order of time.
///
/// Proportions are integers, so the cuts are exact: `[70, 20, 10]` of 1000 rows are 700, 200 and
/// 100. Fractional cuts are rounded down.
///
/// Fit scalers on the first part only. [`Windows`](crate::data::Windows) taken from each part
/// separately share no row with those of another part.
///
/// ```
/// use unspool::data::time_split;
/// assert_eq!(time_split(1000, [70, 20, 10]), [0..700, 700..900, 900..1000]);
/// ```
///
/// # Panics
/// If all proportions are 0.
#[track_caller]
pub fn time_split<const PARTS: usize>(n: usize, proportions: [usize; PARTS]) -> [Range<usize>; PARTS] {
    let total: u128 = proportions.iter().map(|&part| part as u128).sum();
    ensure!(total > 0, "time_split: the proportions {proportions:?} must not all be 0");
    let (mut before, mut start) = (0, 0);
    proportions.map(|part| {
        before += part as u128;
        // At most n, since `before` is at most `total`.
        let end = (n as u128 * before / total) as usize;
        let rows = start..end;
        start = end;
        rows
    })
}

impl<X: Examples, Y: Examples> Dataset<X, Y> {
    /// Splits the examples into parts of the given proportions, in order, as [`time_split`] does;
    /// the last `gap` examples of every part but the last are dropped. The parts share memory with
    /// this data set.
    ///
    /// Independent examples need no gap. Windows over a series overlap: with a gap of
    /// [`Windows::gap`](crate::data::Windows::gap), no row of the series is in two parts, neither
    /// as an input nor as a target.
    ///
    /// ```
    /// use unspool::data::Windows;
    /// use unspool::{Dataset, Tensor};
    /// let windows = Windows::new(3, 1);
    /// let data = windows.examples(&Tensor::<f32>::from_fn([103, 1], |i| i as f32))?;
    /// let [train, valid] = data.split([80, 20], windows.gap())?;
    /// assert_eq!((data.len(), train.len(), valid.len()), (100, 77, 20));
    /// assert_eq!(train.y().at([76, 0]), 79.0);       // the last row that training sees
    /// assert_eq!(valid.x().at([0, 0, 0]), 80.0);     // the first row of validation
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If a part has no examples.
    ///
    /// # Panics
    /// If all proportions are 0.
    #[track_caller]
    pub fn split<const PARTS: usize>(
        &self,
        proportions: [usize; PARTS],
        gap: usize,
    ) -> Result<[Self; PARTS], DataError> {
        let mut parts = time_split(self.len(), proportions);
        for part in parts.iter_mut().rev().skip(1) {
            part.end = part.end.saturating_sub(gap).max(part.start);
        }
        if let Some(empty) = parts.iter().position(Range::is_empty) {
            return Err(DataError::new(format!(
                "{} examples split as {proportions:?} with a gap of {gap} leave none for part {}: each part needs one",
                self.len(),
                empty + 1
            )));
        }
        Ok(parts.map(|part| self.slice(part.start, part.len())))
    }
}
