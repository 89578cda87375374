//! Scalers and differences as `serde` reads them: whatever is wrong is an error, not a panic later.

use super::differences::Differences;
use super::error::DataError;
use super::scalers::{MinMaxScaler, StandardScaler};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename = "StandardScaler")]
pub(super) struct SavedStandardScaler {
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl TryFrom<SavedStandardScaler> for StandardScaler {
    type Error = DataError;
    fn try_from(SavedStandardScaler { mean, std }: SavedStandardScaler) -> Result<Self, DataError> {
        check(["mean", "std"], [&mean, &std])?;
        match std.iter().position(|&std| std <= 0.0) {
            None => Ok(StandardScaler { mean, std }),
            Some(column) => {
                let std = std[column];
                Err(DataError::new(format!("the std of column {column} is {std}, expected a positive number")))
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename = "MinMaxScaler")]
pub(super) struct SavedMinMaxScaler {
    min: Vec<f64>,
    max: Vec<f64>,
}

impl TryFrom<SavedMinMaxScaler> for MinMaxScaler {
    type Error = DataError;
    fn try_from(SavedMinMaxScaler { min, max }: SavedMinMaxScaler) -> Result<Self, DataError> {
        check(["min", "max"], [&min, &max])?;
        match min.iter().zip(&max).position(|(min, max)| !(0.0..f64::INFINITY).contains(&(max - min))) {
            None => Ok(MinMaxScaler { min, max }),
            Some(column) => {
                let (min, max) = (min[column], max[column]);
                Err(DataError::new(format!("column {column} is from {min} to {max}, expected a finite range")))
            }
        }
    }
}

/// Checks that there is one finite number of each kind for each column.
fn check(kinds: [&str; 2], numbers: [&[f64]; 2]) -> Result<(), DataError> {
    let [first, second] = numbers.map(<[f64]>::len);
    if first != second {
        let [a, b] = kinds;
        return Err(DataError::new(format!(
            "a scaler has {first} numbers in {a} and {second} in {b}, expected as many"
        )));
    }
    for (kind, numbers) in kinds.into_iter().zip(numbers) {
        if let Some(column) = numbers.iter().position(|number| !number.is_finite()) {
            let number = numbers[column];
            return Err(DataError::new(format!("the {kind} of column {column} is {number}, expected a finite number")));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename = "Differences")]
pub(super) struct SavedDifferences {
    lags: Vec<usize>,
}

impl TryFrom<SavedDifferences> for Differences {
    type Error = DataError;
    fn try_from(SavedDifferences { lags }: SavedDifferences) -> Result<Self, DataError> {
        match lags.contains(&0) {
            false => Ok(Differences::new(lags)),
            true => Err(DataError::new(format!("lags {}, expected at least 1 each", crate::messages::sizes(&lags)))),
        }
    }
}
