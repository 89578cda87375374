//! From a long series to examples: windows of it, and the value some steps after each.

use crate::Sentence;
use crate::column::Column;
use crate::models::Task;
use std::ops::Range;
use unspool::{Dataset, Tensor};

/// A series cut into examples.
pub(crate) struct Cut {
    pub(crate) task: Task,
    pub(crate) scaling: Scaling,
    pub(crate) horizon: usize,
    /// For each example of the test part, the place of its target in the series.
    pub(crate) test_targets: Vec<usize>,
}

/// What is learned is `(value - mean) / std`.
#[derive(Debug, PartialEq)]
pub(crate) struct Scaling {
    mean: f64,
    std: f64,
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
    let scaling = Scaling::fit(column, train.clone())?;
    let values = scaled(column, &scaling)?;
    let targets = |name: &str, part: Range<usize>| {
        let first = part.start.max(window + horizon - 1);
        let (from, to) = (column.rows[part.start], column.rows[part.end - 1]);
        let known = |&target: &usize| column.measured[target] && column.measured[target - horizon];
        let targets: Vec<usize> = (first..part.end).filter(known).collect();
        match targets.len() {
            0 => Err(format!("the {name} part (rows {from} to {to}) has too many gaps: nothing there can be forecast")),
            _ => Ok(targets),
        }
    };
    let examples = |targets: &[usize]| {
        let y = Tensor::from_fn([targets.len(), 1], |i| values[targets[i]]);
        Dataset::new(windows(&values, targets, window, horizon), y).map_err(|e| e.to_string())
    };
    let test_targets = targets("test", test)?;
    let task = Task {
        train: examples(&targets("training", train)?)?,
        valid: examples(&targets("validation", valid)?)?,
        test: examples(&test_targets)?,
        next: Some(windows(&values, &[n + horizon - 1], window, horizon)),
    };
    Ok(Cut { task, scaling, horizon, test_targets })
}

/// The windows `[window, N, 1]` that end `horizon` steps before the targets.
fn windows(values: &[f32], targets: &[usize], window: usize, horizon: usize) -> Tensor {
    let n = targets.len();
    Tensor::from_fn([window, n, 1], |i| {
        let (step, target) = (i / n, targets[i % n]);
        values[target + 1 - horizon - window + step]
    })
}

/// Training, validation and test part of a series of `n` values.
fn parts(n: usize) -> [Range<usize>; 3] {
    let (train, valid) = (n * 7 / 10, n * 9 / 10);
    [0..train, train..valid, valid..n]
}

/// The least number of values for which each part holds a target.
fn rows_needed(window: usize, horizon: usize) -> usize {
    let enough = |&n: &usize| {
        let [train, valid, test] = parts(n);
        train.len() >= window + horizon && !valid.is_empty() && !test.is_empty()
    };
    (window + horizon..).find(enough).expect("some number is enough")
}

impl Scaling {
    /// Mean and standard deviation of the measured values of the training part, and of nothing else.
    fn fit(column: &Column, train: Range<usize>) -> Result<Self, Sentence> {
        let known: Vec<f64> = train.clone().filter(|&i| column.measured[i]).map(|i| column.values[i]).collect();
        if known.iter().all(|value| *value == known[0]) {
            let (from, to) = (column.rows[train.start], column.rows[train.end - 1]);
            return Err(format!(
                "{} is {} in every row of its training part ({from} to {to}): a constant teaches nothing",
                column.name, known[0]
            ));
        }
        let count = known.len() as f64;
        let mean = known.iter().map(|value| value / count).sum::<f64>();
        let std = known.iter().map(|value| (value - mean).powi(2) / count).sum::<f64>().sqrt();
        if !(1e-30..1e30).contains(&std) {
            return Err(format!(
                "the values of {} are too large or too small to compute with: change the unit",
                column.name
            ));
        }
        if std < 1e-10 * mean.abs() {
            return Err(format!("the values of {} all but equal {mean:.3e}: subtract it from them", column.name));
        }
        Ok(Scaling { mean, std })
    }

    fn apply(&self, value: f64) -> f64 {
        (value - self.mean) / self.std
    }

    /// From what a model makes to the series' own unit.
    pub(crate) fn invert(&self, scaled: f64) -> f64 {
        scaled * self.std + self.mean
    }
}

fn scaled(column: &Column, scaling: &Scaling) -> Result<Vec<f32>, Sentence> {
    let scale = |(i, &value)| {
        let scaled = scaling.apply(value);
        // The losses square it, in f32.
        if scaled.abs() < 1e12 {
            return Ok(scaled as f32);
        }
        Err(format!("row {}: {value:e} is too far from the training part's values to compute with", column.rows[i]))
    };
    column.values.iter().enumerate().map(scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: Vec<f64>) -> Column {
        let rows: Vec<usize> = (2..values.len() + 2).collect();
        let labels = rows.iter().map(usize::to_string).collect();
        Column { name: "v".to_string(), measured: vec![true; values.len()], values, rows, labels }
    }

    /// In the column's own unit.
    fn own(cut: &Cut, tensor: &Tensor) -> Vec<f64> {
        crate::models::numbers(tensor).into_iter().map(|z| (cut.scaling.invert(z) * 1e3).round() / 1e3).collect()
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
        let scaling = |values: &[f64]| cut(&column(values.to_vec()), 5, 2).unwrap().scaling;
        let before = scaling(&values);
        for place in 70..100 {
            let mut changed = values.clone();
            changed[place] = 1e6;
            assert_eq!(scaling(&changed), before, "value {place}");
        }
        let mut changed = values.clone();
        changed[69] = 1e6;
        assert_ne!(scaling(&changed), before);
        let (train, count) = (&values[..70], 70.0);
        let mean = train.iter().sum::<f64>() / count;
        let std = (train.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
        assert!((before.mean - mean).abs() < 1e-9 && (before.std - std).abs() < 1e-9);
    }

    #[test]
    fn filled_values_are_neither_targets_nor_the_end_of_a_window() {
        let mut column = column((0..100).map(f64::from).collect());
        let before = cut(&column, 5, 2).unwrap();
        column.measured[93] = false;
        let after = cut(&column, 5, 2).unwrap();
        assert_eq!(after.test_targets, [90, 91, 92, 94, 96, 97, 98, 99]);
        assert_eq!(after.scaling, before.scaling);
        column.measured[60] = false; // a filled value in the training part
        assert_ne!(cut(&column, 5, 2).unwrap().scaling, before.scaling);
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
