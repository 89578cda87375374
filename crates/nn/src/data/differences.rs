//! Differencing a series, and undoing it.

use crate::data::error::DataError;
use unspool_autograd::{Number, Scalar, Shape, Tensor};

/// Differences of a series `[L, F]`, column by column: `y[t] = x[t] - x[t - lag]`.
///
/// A network does not forecast values beyond the range that it saw in training, so it fails on a
/// trend. Differences of lag 1 turn a linear trend into a constant; differences with the lag of a
/// season (12 for monthly data) remove both a linear trend and the seasonal pattern. Several lags
/// are applied one after another: `[1, 12]` is `(x[t] - x[t - 12]) - (x[t - 1] - x[t - 13])`, and
/// `[1, 1]` is the second difference. Their order does not matter.
///
/// Box and Jenkins 1970, "Time Series Analysis". A single lag is `Series.diff(lag)` in pandas and
/// `diff(x, lag)` in R; `[1, 1]` is `numpy.diff(x, 2)`; [`inverse`](Differences::inverse) is R's
/// `diffinv`.
///
/// ```
/// use unspool::Tensor;
/// use unspool::data::Differences;
/// // Five years of quarters, each 2 above that of the year before: 10 20 15 5, 12 22 17 7, ..
/// let series = Tensor::<f32>::from_fn([20, 1], |i| [10.0, 20.0, 15.0, 5.0][i % 4] + 2.0 * (i / 4) as f32);
/// let yearly = Differences::new([4]);
/// let changes = yearly.transform(&series)?;                                    // [16, 1]: rows 4 to 19
/// assert_eq!(changes.to_vec(), [2.0; 16]);
/// // Forecasts of differences (here 2 each) extend the series by as many rows.
/// let next = yearly.inverse(&series, &Tensor::ones([6, 1]).map(|x| 2.0 * x))?;
/// assert_eq!(next.to_vec(), [20.0, 30.0, 25.0, 15.0, 22.0, 32.0]);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
///
/// To forecast with [`Windows`](crate::data::Windows), take the windows from the differences, whose
/// row 0 is row [`history`](Differences::history) of the series, and scale the differences rather
/// than the values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(try_from = "super::saved::SavedDifferences"))]
pub struct Differences {
    lags: Vec<usize>,
}

impl Differences {
    /// Differences of these lags, one after another. Without a lag, the series is unchanged.
    ///
    /// # Panics
    /// If a lag is 0.
    #[track_caller]
    pub fn new(lags: impl Into<Vec<usize>>) -> Self {
        let lags = lags.into();
        ensure!(!lags.contains(&0), "Differences: the lags {lags:?}: a lag must be at least 1");
        Differences { lags }
    }

    /// The lags.
    pub fn lags(&self) -> &[usize] {
        &self.lags
    }

    /// The number of rows before the first that has a difference: the sum of the lags.
    pub fn history(&self) -> usize {
        self.lags.iter().fold(0, |sum: usize, lag| sum.saturating_add(*lag))
    }

    /// The differences `[L - history, F]` of a series `[L, F]`: row 0 belongs to row
    /// [`history`](Differences::history) of the series. They are computed in f64, and for f32
    /// rounded once.
    ///
    /// # Errors
    /// If the series is not `[L, F]`, or too short for one difference.
    pub fn transform<T: Scalar>(&self, series: &Tensor<T>) -> Result<Tensor<T>, DataError> {
        let [rows, columns] = rows_and_columns("a series", series.shape())?;
        if rows <= self.history() {
            return Err(DataError::new(format!(
                "a series of {rows} rows is too short: differences of lags {:?} need at least {}",
                self.lags,
                self.history().saturating_add(1)
            )));
        }
        let differences = self.lags.iter().fold(numbers(series), |x, lag| difference(&x, lag * columns));
        Ok(tensor(differences, columns))
    }

    /// The rows `[H, F]` that follow `history` (`[K, F]`, of which the last rows are used) and have
    /// these differences `[H, F]`: the forecast of a series from the forecasts of its differences,
    /// for any number of steps.
    ///
    /// This undoes [`transform`](Differences::transform), up to rounding: the first rows of a
    /// series and its differences give the other rows.
    ///
    /// ```
    /// # use unspool::Tensor;
    /// # use unspool::data::Differences;
    /// let series = Tensor::<f64>::from_fn([50, 2], |i| (i * i % 101) as f64);
    /// let differences = Differences::new([1, 12]);
    /// let rest = differences.inverse(&series.slice(0, ..13), &differences.transform(&series)?)?;
    /// assert_eq!(rest.to_vec(), series.slice(0, 13..).to_vec());
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If `history` has fewer rows than [`history`](Differences::history) returns, or a different
    /// number of columns than the differences.
    pub fn inverse<T: Scalar>(&self, history: &Tensor<T>, differences: &Tensor<T>) -> Result<Tensor<T>, DataError> {
        let [known, columns] = rows_and_columns("a history", history.shape())?;
        let [_, difference_columns] = rows_and_columns("differences", differences.shape())?;
        if columns != difference_columns {
            return Err(DataError::new(format!(
                "a history of {columns} columns and differences of {difference_columns}: they must have the same number"
            )));
        }
        if known < self.history() {
            return Err(DataError::new(format!(
                "a history of {known} rows is too short: undoing differences of lags {:?} takes {}",
                self.lags,
                self.history()
            )));
        }
        // The history before each lag was applied. The last lag is undone first.
        let mut before = numbers(&history.slice(0, known - self.history()..));
        let mut histories = Vec::new();
        for lag in &self.lags {
            let after = difference(&before, lag * columns);
            histories.push(before);
            before = after;
        }
        let mut rows = numbers(differences);
        for (lag, history) in self.lags.iter().zip(histories).rev() {
            rows = sum(&history, &rows, lag * columns);
        }
        Ok(tensor(rows, columns))
    }
}

/// `x[i] - x[i - lag]`, for all i from `lag`.
fn difference(x: &[f64], lag: usize) -> Vec<f64> {
    x.iter().zip(&x[lag..]).map(|(before, now)| now - before).collect()
}

/// The values that follow `history` and have these differences.
fn sum(history: &[f64], differences: &[f64], lag: usize) -> Vec<f64> {
    let mut x = history.to_vec();
    for difference in differences {
        x.push(difference + x[x.len() - lag]);
    }
    x.split_off(history.len())
}

fn rows_and_columns(what: &str, shape: Shape) -> Result<[usize; 2], DataError> {
    match shape[..] {
        [rows, columns] => Ok([rows, columns]),
        _ => Err(DataError::new(format!("{what} {shape} must have rows and columns: [L, F]"))),
    }
}

fn numbers<T: Scalar>(tensor: &Tensor<T>) -> Vec<f64> {
    tensor.to_vec().into_iter().map(Number::to_f64).collect()
}

fn tensor<T: Scalar>(numbers: Vec<f64>, columns: usize) -> Tensor<T> {
    let rows = numbers.len().checked_div(columns).unwrap_or(0);
    Tensor::from_vec(numbers.into_iter().map(T::from_f64).collect(), [rows, columns])
}
