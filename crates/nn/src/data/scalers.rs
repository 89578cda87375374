//! Scaling columns to a common range.

use crate::data::error::DataError;
use unspool_autograd::{Scalar, Tensor};

/// Scales every column to mean 0 and standard deviation 1: `(x - mean) / std`.
///
/// Columns are the last axis; a series is `[L, F]`, sequences are `[T, N, F]`. Fit it only on the
/// training data: a mean over the whole series leaks the future into training.
///
/// The fields are plain numbers, which can be saved with the model and set again; with the feature
/// `serde`, a scaler is saved and read in any of its formats.
///
/// ```
/// use unspool::Tensor;
/// use unspool::data::{StandardScaler, time_split};
/// let series = Tensor::<f64>::from_fn([100, 2], |i| (i * i) as f64);
/// let [train, ..] = time_split(100, [70, 30]);
/// let scaler = StandardScaler::fit(&series.slice(0, train))?;
/// let scaled = scaler.transform(&series);
/// let back = scaler.columns(&[1]).inverse(&scaled.slice(1, 1..));       // a forecast of column 1, in its original unit
/// assert!((back.at([99, 0]) / series.at([99, 1]) - 1.0).abs() < 1e-12);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(try_from = "super::saved::SavedStandardScaler"))]
pub struct StandardScaler {
    /// The mean of each column.
    pub mean: Vec<f64>,
    /// The population standard deviation of each column (divided by n); 1 for a constant column,
    /// which becomes 0.
    pub std: Vec<f64>,
}

/// Scales every column so that its minimum becomes 0 and its maximum 1: `(x - min) / (max - min)`.
///
/// Columns are the last axis. Values outside the range that it was fitted on become less than 0 or
/// more than 1.
///
/// ```
/// use unspool::Tensor;
/// use unspool::data::MinMaxScaler;
/// let scaler = MinMaxScaler::fit(&Tensor::<f32>::from_vec(vec![-2.0, 5.0, 6.0, 5.0], [2, 2]))?;
/// let scaled = scaler.transform(&Tensor::<f32>::from_vec(vec![0.0, 5.0], [1, 2]));
/// assert_eq!(scaled.to_vec(), [0.25, 0.0]);
/// assert_eq!(scaler.inverse(&scaled).to_vec(), [0.0, 5.0]);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(try_from = "super::saved::SavedMinMaxScaler"))]
pub struct MinMaxScaler {
    /// The minimum of each column.
    pub min: Vec<f64>,
    /// The maximum of each column. If it equals the minimum, the column becomes `x - min`: 0.
    pub max: Vec<f64>,
}

impl StandardScaler {
    /// Fits the scaler to values `[.., F]`: a series of one column is `[L, 1]`.
    ///
    /// # Errors
    /// If there are no values, they have fewer than two axes, one is infinite or NaN, or they are
    /// too far apart or too close together for a finite and positive standard deviation.
    pub fn fit<T: Scalar>(values: &Tensor<T>) -> Result<Self, DataError> {
        let (mut mean, mut std) = (Vec::new(), Vec::new());
        for (i, column) in columns_of(values)?.into_iter().enumerate() {
            let n = column.len() as f64;
            let (m, s) = if column.iter().all(|x| *x == column[0]) {
                (column[0], 1.0)
            } else {
                let m = column.iter().map(|x| x / n).sum::<f64>();
                (m, column.iter().map(|x| (x - m).powi(2) / n).sum::<f64>().sqrt())
            };
            // Differences below about 1e-162 have squares of 0.
            if !s.is_finite() || s == 0.0 {
                let far = if s == 0.0 { "close together" } else { "far apart" };
                return Err(DataError::new(format!(
                    "the values of column {i} are too {far} for their standard deviation: change the unit"
                )));
            }
            mean.push(m);
            std.push(s);
        }
        Ok(StandardScaler { mean, std })
    }

    /// `(x - mean) / std` of values `[.., F]`, computed in f64.
    ///
    /// # Panics
    /// If they have a different number of columns.
    #[track_caller]
    pub fn transform<T: Scalar>(&self, values: &Tensor<T>) -> Tensor<T> {
        map_columns("StandardScaler", values, [&self.mean, &self.std], |x, mean, std| (x - mean) / std)
    }

    /// `x std + mean`: undoes [`transform`](StandardScaler::transform), back to the original unit.
    ///
    /// # Panics
    /// If the values have a different number of columns.
    #[track_caller]
    pub fn inverse<T: Scalar>(&self, values: &Tensor<T>) -> Tensor<T> {
        map_columns("StandardScaler", values, [&self.mean, &self.std], |x, mean, std| x * std + mean)
    }

    /// The scaler of some of the columns, in that order, such as those that a model forecasts.
    ///
    /// # Panics
    /// If there is no such column.
    #[track_caller]
    pub fn columns(&self, columns: &[usize]) -> Self {
        let scaler = "StandardScaler";
        StandardScaler { mean: pick(scaler, &self.mean, columns), std: pick(scaler, &self.std, columns) }
    }
}

impl MinMaxScaler {
    /// Fits the scaler to values `[.., F]`: a series of one column is `[L, 1]`.
    ///
    /// # Errors
    /// If there are no values, they have fewer than two axes, one is infinite or NaN, or they are
    /// too far apart for a finite difference.
    pub fn fit<T: Scalar>(values: &Tensor<T>) -> Result<Self, DataError> {
        let (mut minima, mut maxima) = (Vec::new(), Vec::new());
        for (i, column) in columns_of(values)?.into_iter().enumerate() {
            let (min, max) = column.iter().fold((column[0], column[0]), |(min, max), &x| (min.min(x), max.max(x)));
            if !(max - min).is_finite() {
                return Err(DataError::new(format!(
                    "the values of column {i} are too far apart for their difference: change the unit"
                )));
            }
            minima.push(min);
            maxima.push(max);
        }
        Ok(MinMaxScaler { min: minima, max: maxima })
    }

    /// `(x - min) / (max - min)` of values `[.., F]`, computed in f64.
    ///
    /// # Panics
    /// If they have a different number of columns.
    #[track_caller]
    pub fn transform<T: Scalar>(&self, values: &Tensor<T>) -> Tensor<T> {
        map_columns("MinMaxScaler", values, [&self.min, &self.max], |x, min, max| (x - min) / width(min, max))
    }

    /// `x (max - min) + min`: undoes [`transform`](MinMaxScaler::transform), back to the original
    /// unit.
    ///
    /// # Panics
    /// If the values have a different number of columns.
    #[track_caller]
    pub fn inverse<T: Scalar>(&self, values: &Tensor<T>) -> Tensor<T> {
        map_columns("MinMaxScaler", values, [&self.min, &self.max], |x, min, max| x * width(min, max) + min)
    }

    /// The scaler of some of the columns, in that order, such as those that a model forecasts.
    ///
    /// # Panics
    /// If there is no such column.
    #[track_caller]
    pub fn columns(&self, columns: &[usize]) -> Self {
        let scaler = "MinMaxScaler";
        MinMaxScaler { min: pick(scaler, &self.min, columns), max: pick(scaler, &self.max, columns) }
    }
}

/// The divisor of a column with this range.
fn width(min: f64, max: f64) -> f64 {
    if max == min { 1.0 } else { max - min }
}

/// The columns of values `[.., F]`: each has at least one value, and all are finite.
fn columns_of<T: Scalar>(values: &Tensor<T>) -> Result<Vec<Vec<f64>>, DataError> {
    let shape = values.shape();
    let width = shape.last().copied().unwrap_or(0);
    if shape.numel() == 0 || width == 0 {
        return Err(DataError::new(format!(
            "values {shape} hold nothing to scale by: they must be [.., F] with at least one row"
        )));
    }
    // Of a single row, every column is constant: it would become 0.
    if let [n] = shape[..] {
        return Err(DataError::new(format!(
            "values {shape} have no axis of columns: they must be [.., F]; a series of one column is [{n}, 1]"
        )));
    }
    let mut columns = vec![Vec::with_capacity(shape.numel() / width); width];
    for (i, x) in values.to_vec().into_iter().enumerate() {
        let (row, column) = (i / width, i % width);
        if !x.is_finite() {
            return Err(DataError::new(format!("row {row} of column {column} is {x}: values must be finite numbers")));
        }
        columns[column].push(x.to_f64());
    }
    Ok(columns)
}

/// `f(x, a, b)` of every element x, with the a and b of its column.
#[track_caller]
fn map_columns<T: Scalar>(
    scaler: &str,
    values: &Tensor<T>,
    [a, b]: [&[f64]; 2],
    f: impl Fn(f64, f64, f64) -> f64,
) -> Tensor<T> {
    ensure!(a.len() == b.len(), "{scaler}: {} numbers and {}, one of each per column", a.len(), b.len());
    let (shape, columns) = (values.shape(), a.len());
    let fits = shape.last() == Some(&columns);
    ensure!(fits, "{scaler}: values {shape} for a scaler of {columns} columns: their last axis must have as many");
    let values = values.contiguous();
    let values = values.as_slice().expect("contiguous");
    Tensor::from_fn(shape, |i| T::from_f64(f(values[i].to_f64(), a[i % columns], b[i % columns])))
}

#[track_caller]
fn pick(scaler: &str, numbers: &[f64], columns: &[usize]) -> Vec<f64> {
    let mut picked = Vec::with_capacity(columns.len());
    for &column in columns {
        ensure!(column < numbers.len(), "{scaler}: there is no column {column} of {}, counted from 0", numbers.len());
        picked.push(numbers[column]);
    }
    picked
}
