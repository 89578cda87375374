//! From a long series to examples: windows of it, and the value some steps after each.

use crate::Sentence;
use crate::column::Column;
use crate::models::Task;
use std::ops::Range;
use unspool::{StandardScaler, Tensor, Windows, time_split};

/// A series cut into examples.
pub(crate) struct Cut {
    pub(crate) task: Task,
    pub(crate) horizon: usize,
    /// For each example of the test part, the place of its target in the series.
    pub(crate) test_targets: Vec<usize>,
    scaler: StandardScaler,
}

impl Cut {
    /// From what a model makes to the series' own unit.
    pub(crate) fn invert(&self, scaled: f64) -> f64 {
        scaled * self.scaler.std[0] + self.scaler.mean[0]
    }
}

/// Cuts the series into windows and scales them.
///
/// The first 70 % of the time are for training, the next 20 % for validation, the last 10 % for the test. An
/// example belongs where its target lies; its window, earlier by nature, may begin in the part before. It counts
/// only if its target and the last value of its window were measured: a filled value knows what comes after it.
pub(crate) fn cut(column: &Column, window: usize, horizon: usize) -> Result<Cut, Sentence> {
    let n = column.values.len();
    let needed = rows_needed(window, horizon);
    if n < needed {
        return Err(format!(
            "{} has {n} values: a window of {window} and a horizon of {horizon} need at least {needed}",
            column.name
        ));
    }
    let [train, valid, test] = parts(n);
    let scaler = fit(column, train.clone())?;
    let values = scaled(column, &scaler)?;
    let windows = Windows::new(window, horizon);
    let starts = |name: &str, part: Range<usize>| {
        let (from, to) = (column.rows[part.start], column.rows[part.end - 1]);
        let mut starts = windows.starts(part);
        starts.retain(|start| {
            let last = start + window - 1;
            column.measured[last] && column.measured[last + horizon]
        });
        match starts.len() {
            0 => Err(format!("the {name} part (rows {from} to {to}) has too many gaps: nothing there can be forecast")),
            _ => Ok(starts),
        }
    };
    let examples = |starts: &[usize]| windows.at(&values, starts).map_err(|e| e.to_string());
    let test = starts("test", test)?;
    let task = Task {
        train: examples(&starts("training", train)?)?,
        valid: examples(&starts("validation", valid)?)?,
        test: examples(&test)?,
        next: Some(windows.latest(&values).map_err(|e| e.to_string())?),
    };
    let test_targets = test.iter().map(|start| start + window - 1 + horizon).collect();
    Ok(Cut { task, horizon, test_targets, scaler })
}

/// Training, validation and test part of a series of `n` values.
fn parts(n: usize) -> [Range<usize>; 3] {
    time_split(n, [70, 20, 10])
}

/// The least number of values for which each part holds a target.
fn rows_needed(window: usize, horizon: usize) -> usize {
    let enough = |&n: &usize| {
        let [train, valid, test] = parts(n);
        train.len() >= window + horizon && !valid.is_empty() && !test.is_empty()
    };
    (window + horizon..).find(enough).expect("some number is enough")
}

/// Mean and standard deviation of the measured values of the training part, and of nothing else.
fn fit(column: &Column, train: Range<usize>) -> Result<StandardScaler, Sentence> {
    let known: Vec<f64> = train.clone().filter(|&i| column.measured[i]).map(|i| column.values[i]).collect();
    if known.iter().all(|value| *value == known[0]) {
        let (from, to) = (column.rows[train.start], column.rows[train.end - 1]);
        return Err(format!(
            "{} is {} in every row of its training part ({from} to {to}): a constant teaches nothing",
            column.name, known[0]
        ));
    }
    let count = known.len();
    let scaler = StandardScaler::fit(&Tensor::from_vec(known, [count, 1])).ok();
    let Some(scaler) = scaler.filter(|scaler| (1e-30..1e30).contains(&scaler.std[0])) else {
        return Err(format!(
            "the values of {} are too large or too small to compute with: change the unit",
            column.name
        ));
    };
    let (mean, std) = (scaler.mean[0], scaler.std[0]);
    if std < 1e-10 * mean.abs() {
        return Err(format!("the values of {} all but equal {mean:.3e}: subtract it from them", column.name));
    }
    Ok(scaler)
}

/// The scaled series, `[L, 1]`.
fn scaled(column: &Column, scaler: &StandardScaler) -> Result<Tensor, Sentence> {
    let scaled = scaler.transform(&Tensor::from_slice(&column.values, [column.values.len(), 1]));
    // The losses square it, in f32.
    match scaled.to_vec().iter().position(|value| value.abs() >= 1e12) {
        None => Ok(scaled.cast()),
        Some(i) => {
            let (row, value) = (column.rows[i], column.values[i]);
            Err(format!("row {row}: {value:e} is too far from the training part's values to compute with"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: Vec<f64>) -> Column {
        let rows: Vec<usize> = (2..values.len() + 2).collect();
        let labels = rows.iter().map(usize::to_string).collect();
        Column { name: "v".to_string(), measured: vec![true; values.len()], values, rows, labels, notes: Vec::new() }
    }

    /// In the column's own unit.
    fn own(cut: &Cut, tensor: &Tensor) -> Vec<f64> {
        crate::models::numbers(tensor).into_iter().map(|z| (cut.invert(z) * 1e3).round() / 1e3).collect()
    }

    #[test]
    fn windows_line_up_with_their_targets() {
        for horizon in [1, 3] {
            let cut = cut(&column((0..100).map(f64::from).collect()), 5, horizon).unwrap();
            let Task { train, valid, test, next } = &cut.task;
            for (part, targets) in [(train, 4 + horizon..70), (valid, 70..90), (test, 90..100)] {
                assert_eq!(own(&cut, part.y()), targets.clone().map(|t| t as f64).collect::<Vec<_>>());
                for (i, target) in targets.enumerate() {
                    let last = target - horizon;
                    let window: Vec<f64> = (last - 4..=last).map(|t| t as f64).collect();
                    assert_eq!(own(&cut, &part.x().slice(1, i..i + 1)), window, "horizon {horizon}, target {target}");
                }
            }
            assert_eq!(own(&cut, next.as_ref().unwrap()), [95., 96., 97., 98., 99.]);
            assert_eq!(cut.test_targets, (90..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn only_the_training_part_decides_the_scaling() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 101)).collect();
        let scaler = |values: &[f64]| cut(&column(values.to_vec()), 5, 2).unwrap().scaler;
        let before = scaler(&values);
        for place in 70..100 {
            let mut changed = values.clone();
            changed[place] = 1e6;
            assert_eq!(scaler(&changed), before, "value {place}");
        }
        let mut changed = values.clone();
        changed[69] = 1e6;
        assert_ne!(scaler(&changed), before);
        let (train, count) = (&values[..70], 70.0);
        let mean = train.iter().sum::<f64>() / count;
        let std = (train.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
        assert!((before.mean[0] - mean).abs() < 1e-9 && (before.std[0] - std).abs() < 1e-9);
    }

    #[test]
    fn filled_values_are_neither_targets_nor_the_end_of_a_window() {
        let mut column = column((0..100).map(f64::from).collect());
        let before = cut(&column, 5, 2).unwrap();
        column.measured[93] = false;
        let after = cut(&column, 5, 2).unwrap();
        assert_eq!(after.test_targets, [90, 91, 92, 94, 96, 97, 98, 99]);
        assert_eq!(after.scaler, before.scaler);
        column.measured[60] = false; // a filled value in the training part
        assert_ne!(cut(&column, 5, 2).unwrap().scaler, before.scaler);
        column.measured[90..].fill(false);
        let sentence = cut(&column, 5, 2).err().unwrap();
        assert_eq!(sentence, "the test part (rows 92 to 101) has too many gaps: nothing there can be forecast");
    }

    #[test]
    fn too_few_rows_are_counted() {
        for (window, horizon) in [(1, 1), (5, 1), (20, 3), (13, 8)] {
            let needed = rows_needed(window, horizon);
            let values = |n: usize| column((0..n).map(|i| i as f64).collect());
            assert!(cut(&values(needed), window, horizon).is_ok());
            let sentence = cut(&values(needed - 1), window, horizon).err().unwrap();
            assert!(sentence.contains(&format!("has {} values", needed - 1)), "{sentence}");
            assert!(sentence.ends_with(&format!("need at least {needed}")), "{sentence}");
        }
    }

    #[test]
    fn a_constant_or_an_enormous_value_is_refused() {
        let mut values = vec![0.1; 70];
        values.extend((0..30).map(f64::from));
        let sentence = cut(&column(values), 5, 1).err().unwrap();
        assert!(sentence.starts_with("v is 0.1 in every row of its training part (2 to 71)"), "{sentence}");
        let mut values: Vec<f64> = (0..100).map(f64::from).collect();
        values[95] = 1e300;
        assert!(cut(&column(values.clone()), 5, 1).err().unwrap().starts_with("row 97: 1e300 is too far"));
        let offset = values.iter().map(|v| 1e15 + v % 3.0).collect();
        assert!(
            cut(&column(offset), 5, 1).err().unwrap().starts_with("the values of v all but equal 1.000e15: subtract")
        );
        values[5] = -1e300; // its square is infinite, and with it the standard deviation
        assert!(cut(&column(values), 5, 1).err().unwrap().starts_with("the values of v are too large or too small"));
    }
}
