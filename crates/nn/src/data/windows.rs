//! Windows over a series.

use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use std::ops::Range;
use unspool_autograd::{Indices, Scalar, Shape, Tensor};

/// Cuts a series `[L, F]` (rows in the order of time) into examples: `window` consecutive rows are
/// the input, and the row `horizon` rows after the last of them is the target.
///
/// ```
/// use unspool::Tensor;
/// use unspool::data::Windows;
/// let series = Tensor::<f32>::from_fn([10, 2], |i| i as f32);             // row r is [2r, 2r + 1]
/// let data = Windows::new(4, 2).stride(3).targets([1]).examples(&series)?;
/// assert_eq!(data.x().shape()[..], [4, 2, 2]);                            // [T, N, F]: rows 0..4 and 3..7
/// assert_eq!(data.y().to_vec(), [11.0, 17.0]);                            // [N, 1]: rows 5 and 8
/// # Ok::<(), unspool::data::DataError>(())
/// ```
///
/// # Splitting without leakage
/// Windows that start one row apart share all but one row, so a shuffled split would train on test
/// data. There are three ways to keep the parts separate, from strict to economical:
/// - split the *series* (with [`time_split`](crate::data::time_split)) and take the
///   [`examples`](Windows::examples) of each part: no row is in two parts;
/// - split the *examples* with [`Dataset::split`] and drop [`gap`](Windows::gap) of them at each
///   cut: the same;
/// - take the [`starts`](Windows::starts) of the windows whose *targets* are in a part: no target
///   is in two parts, and a window may reach back into the previous part, whose rows are known by
///   then. A forecast is used like this, and no target is wasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    window: usize,
    horizon: usize,
    stride: usize,
    all_steps: bool,
    targets: Option<Vec<usize>>,
}

impl Windows {
    /// Windows of `window` rows, each with a target `horizon` rows after its last row: 1 is the
    /// next row. By default, a window starts at every row, and the target is the whole row.
    ///
    /// # Panics
    /// If one of the numbers is 0.
    #[track_caller]
    pub fn new(window: usize, horizon: usize) -> Self {
        ensure!(window > 0, "Windows: a window of 0 rows: it must have at least 1");
        ensure!(horizon > 0, "Windows: a horizon of 0: the next row is at horizon 1");
        Windows { window, horizon, stride: 1, all_steps: false, targets: None }
    }

    /// Starts a window only at every `stride`-th row.
    ///
    /// # Panics
    /// If `stride` is 0.
    #[track_caller]
    pub fn stride(self, stride: usize) -> Self {
        ensure!(stride > 0, "Windows: a stride of 0: it must be at least 1");
        Windows { stride, ..self }
    }

    /// The columns to forecast, from 0.
    pub fn targets(self, columns: impl Into<Vec<usize>>) -> Self {
        Windows { targets: Some(columns.into()), ..self }
    }

    /// Makes all rows from the next to the one at the horizon the target, concatenated:
    /// `[N, horizon C]` with `C` columns to forecast, those of the next row first.
    pub fn all_steps(self) -> Self {
        Windows { all_steps: true, ..self }
    }

    /// The examples of a series `[L, F]`: inputs `[window, N, F]`, targets `[N, C]` (or
    /// `[N, horizon C]`).
    ///
    /// # Errors
    /// If the series is not `[L, F]`, lacks a column or is too short for one window and its target.
    pub fn examples<T: Scalar>(&self, series: &Tensor<T>) -> Result<Dataset<Tensor<T>>, DataError> {
        let rows = self.rows_of(series.shape())?;
        let starts = self.starts(0..rows);
        if starts.is_empty() {
            return Err(DataError::new(format!(
                "a series of {rows} rows is too short: a window of {} and a horizon of {} need at least {}",
                self.window,
                self.horizon,
                self.span()
            )));
        }
        self.at(series, &starts)
    }

    /// The first rows of all windows whose targets are in `rows`, in order. The windows themselves
    /// may start before `rows`, but not before row 0.
    ///
    /// The windows of a series are the same however it is split: those that start at multiples of
    /// the stride. (With [`all_steps`](Windows::all_steps), a window whose targets are in two parts
    /// is in neither.)
    ///
    /// ```
    /// # use unspool::data::Windows;
    /// assert_eq!(Windows::new(3, 1).starts(5..8), [2, 3, 4]);
    /// ```
    pub fn starts(&self, rows: Range<usize>) -> Vec<usize> {
        let first_target = if self.all_steps { self.window } else { self.span() - 1 };
        let from = rows.start.saturating_sub(first_target).next_multiple_of(self.stride);
        (from..(rows.end + 1).saturating_sub(self.span())).step_by(self.stride).collect()
    }

    /// The examples whose windows start at the given rows: inputs `[window, N, F]`, targets
    /// `[N, C]` (or `[N, horizon C]`).
    ///
    /// # Errors
    /// If the series is not `[L, F]` or lacks a column, or a window or its target extends beyond
    /// its end.
    pub fn at<T: Scalar>(&self, series: &Tensor<T>, starts: &[usize]) -> Result<Dataset<Tensor<T>>, DataError> {
        let rows = self.rows_of(series.shape())?;
        if let Some(start) = starts.iter().find(|&&start| start > rows || self.span() > rows - start) {
            return Err(DataError::new(format!(
                "the window from row {start} reaches beyond the series: with its target it needs {} rows of the {rows}",
                self.span()
            )));
        }
        let n = starts.len();
        let inputs = (0..self.window).flat_map(|step| starts.iter().map(move |start| start + step));
        let x = series.index_select(0, Indices::from_vec(inputs.collect(), [self.window, n]));
        let ahead = if self.all_steps { 1..self.horizon + 1 } else { self.horizon..self.horizon + 1 };
        let steps = ahead.len();
        let targets = starts.iter().flat_map(|start| ahead.clone().map(move |step| start + self.window - 1 + step));
        let y = series.index_select(0, Indices::from_vec(targets.collect(), [n, steps]));
        let y = self.targets.iter().fold(y, |y, columns| y.index_select(2, &columns[..]));
        let columns = y.shape()[2];
        Dataset::new(x, y.reshape([n, steps * columns]))
    }

    /// The last window of a series `[L, F]`, whose target is not known yet: `[window, 1, F]`.
    ///
    /// # Errors
    /// If the series is not `[L, F]` or is shorter than a window.
    pub fn latest<T: Scalar>(&self, series: &Tensor<T>) -> Result<Tensor<T>, DataError> {
        match self.rows_of(series.shape())? {
            rows if rows < self.window => {
                Err(DataError::new(format!("a series of {rows} rows is shorter than a window of {}", self.window)))
            }
            rows => Ok(series.slice(0, rows - self.window..rows).unsqueeze(1)),
        }
    }

    /// The number of examples to drop between two others so that these share no row of the series,
    /// neither in their inputs nor as a target.
    pub fn gap(&self) -> usize {
        self.span().div_ceil(self.stride) - 1
    }

    /// The number of rows from the first of a window to its target.
    fn span(&self) -> usize {
        self.window.saturating_add(self.horizon)
    }

    /// The number of rows, if the series is `[L, F]` and has the target columns.
    fn rows_of(&self, shape: Shape) -> Result<usize, DataError> {
        if shape.rank() != 2 {
            return Err(DataError::new(format!("a series {shape} must have rows and columns: [L, F]")));
        }
        let columns = shape[1];
        match self.targets.iter().flatten().find(|&&column| column >= columns) {
            Some(column) => Err(DataError::new(format!(
                "there is no column {column} to forecast: the series has {columns}, counted from 0"
            ))),
            None => Ok(shape[0]),
        }
    }
}
