//! From a long series to examples: its windows, and the value some steps after each.

use crate::Sentence;
use crate::column::Column;
use crate::differenced::{self, Examples, too_far, unchanged, usable};
use crate::models::{NAIVE, Outcome, SEASONAL, Task, reference};
use crate::season;
use crate::statistics::mean_square;
use std::ops::Range;
use unspool::Tensor;
use unspool::data::{DataError, Differences, StandardScaler, Windows, time_split};

/// How a series is to be cut.
pub(crate) struct Plan {
    pub(crate) window: usize,
    pub(crate) horizon: usize,
    /// What every model is to learn; `None` if validation is to choose.
    pub(crate) differences: Option<Differences>,
    /// After how many steps the series repeats itself; `None` if that is to be found out.
    pub(crate) season: Option<usize>,
}

/// A series cut into examples.
pub(crate) struct Cut {
    /// One for each kind of differences that a model may learn; their targets lie at the same
    /// places.
    pub(crate) tasks: Vec<Task>,
    pub(crate) window: usize,
    pub(crate) horizon: usize,
    pub(crate) season: Option<usize>,
    /// For each example of the validation part and of the test part, the place of its target in the
    /// series.
    pub(crate) valid_targets: Vec<usize>,
    pub(crate) test_targets: Vec<usize>,
    /// The scaled series, `[L, 1]`.
    values: Tensor<f64>,
    scaler: StandardScaler,
}

impl Cut {
    /// From the scaled series to its own unit.
    pub(crate) fn invert(&self, scaled: f64) -> f64 {
        scaled * self.scaler.std[0] + self.scaler.mean[0]
    }

    /// The forecasts that nothing changes: from one step to the next, or from one season to the
    /// next.
    pub(crate) fn references(&self) -> Result<Vec<Outcome>, Sentence> {
        let all = [(NAIVE, Some(1)), (SEASONAL, self.season)];
        let lags = all.into_iter().filter_map(|(name, lag)| Some((name, Differences::new([lag?]))));
        let outcomes = lags.map(|(name, differences)| {
            let forecasts = |targets: &[usize]| unchanged(&self.values, &differences, self.horizon, targets);
            let valid: Vec<f64> = self.valid_targets.iter().map(|&i| self.values.at([i, 0])).collect();
            let validation = mean_square(&forecasts(&self.valid_targets)?, &valid);
            let next = forecasts(&[self.values.shape()[0] - 1 + self.horizon])?[0];
            Ok(reference(name, validation, forecasts(&self.test_targets)?, Some(next)))
        });
        outcomes.collect::<Result<_, DataError>>().map_err(|e| e.to_string())
    }
}

/// Cuts the series into windows, scales them, and takes differences.
///
/// The first 70 % of the time are for training, the next 20 % for validation, the last 10 % for the
/// test. An example belongs where its target lies; its window, earlier by nature, may begin in the
/// part before. It counts only if its target and the last value of its window were measured: a
/// filled value knows what comes after it.
pub(crate) fn cut(column: &Column, plan: &Plan) -> Result<Cut, Sentence> {
    let (n, window, horizon) = (column.values.len(), plan.window, plan.horizon);
    let told = plan.differences.as_ref().map_or(0, Differences::history).max(plan.season.unwrap_or(0));
    let needed = rows_needed(window, horizon, told);
    if n < needed {
        let differences =
            if told > 0 { format!(", with lags of {told} values in all before them,") } else { String::new() };
        return Err(format!(
            "{} has {n} values: a window of {window} and a horizon of {horizon}{differences} need at least {needed}",
            column.name
        ));
    }
    let [train, valid, test] = parts(n);
    let measured = |place: &usize| column.measured[*place];
    let known: Vec<usize> = train.clone().filter(measured).collect();
    let windows = Windows::new(window, horizon);
    let targets = |name: &str, part: Range<usize>| {
        let (from, to) = (column.rows[part.start], column.rows[part.end - 1]);
        let targets = windows.starts(part).into_iter().map(|start| start + window - 1 + horizon);
        match targets.filter(|target| measured(target) && measured(&(target - horizon))).collect::<Vec<_>>() {
            none if none.is_empty() => {
                Err(format!("the {name} part (lines {from} to {to}) has too many gaps: nothing there can be forecast"))
            }
            targets => Ok(targets),
        }
    };
    let targets = [targets("training", train.clone())?, targets("validation", valid)?, targets("test", test)?];
    let scaler = fit(column, &known, train)?;
    let values = scaled(column, &scaler)?;

    let season = plan.season.or_else(|| season::find(&column.values[..=known[known.len() - 1]]));
    let kinds = match (&plan.differences, season) {
        (Some(differences), _) => vec![differences.clone()],
        (None, None) => vec![Differences::new([]), Differences::new([1])],
        (None, Some(season)) => [&[][..], &[1], &[season], &[1, season]].map(Differences::new).into(),
    };
    let mut tasks = Vec::new();
    for differences in kinds {
        let examples = Examples { column, values: &values, known: &known, targets: &targets, window, horizon };
        match differenced::task(&examples, &differences)? {
            Some(task) => tasks.push(task),
            None if plan.differences.is_some() => {
                return Err(format!(
                    "the training part has too many gaps for differences of lags {:?}: nothing there can be forecast",
                    differences.lags()
                ));
            }
            None => (),
        }
    }
    let [_, valid_targets, test_targets] = targets;
    Ok(Cut { tasks, window, horizon, season, valid_targets, test_targets, values, scaler })
}

/// Training, validation and test part of a series of `n` values.
fn parts(n: usize) -> [Range<usize>; 3] {
    time_split(n, [70, 20, 10])
}

/// The least number of values for which each part holds a target, with `before` more before its
/// window.
fn rows_needed(window: usize, horizon: usize, before: usize) -> usize {
    let enough = |&n: &usize| {
        let [train, valid, test] = parts(n);
        train.len() >= before + window + horizon && !valid.is_empty() && !test.is_empty()
    };
    (window + horizon..).find(enough).expect("some number is enough")
}

/// Mean and standard deviation of the measured values of the training part, and of nothing else.
fn fit(column: &Column, known: &[usize], train: Range<usize>) -> Result<StandardScaler, Sentence> {
    let known: Vec<f64> = known.iter().map(|&i| column.values[i]).collect();
    if known.iter().all(|value| *value == known[0]) {
        let (from, to) = (column.rows[train.start], column.rows[train.end - 1]);
        return Err(format!(
            "{} is {} in every row of its training part (lines {from} to {to}): a constant teaches nothing",
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
fn scaled(column: &Column, scaler: &StandardScaler) -> Result<Tensor<f64>, Sentence> {
    let scaled = scaler.transform(&Tensor::from_slice(&column.values, [column.values.len(), 1]));
    usable(&scaled).map_err(|place| too_far(column, place))?;
    Ok(scaled)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn column(values: Vec<f64>) -> Column {
        let rows: Vec<usize> = (2..values.len() + 2).collect();
        let labels = rows.iter().map(usize::to_string).collect();
        Column { name: "v".to_string(), measured: vec![true; values.len()], values, rows, labels, notes: Vec::new() }
    }

    pub(crate) fn plan(window: usize, horizon: usize) -> Plan {
        Plan { window, horizon, differences: Some(Differences::new([])), season: None }
    }

    /// In the column's own unit.
    fn own(cut: &Cut, tensor: &Tensor) -> Vec<f64> {
        crate::models::numbers(tensor).into_iter().map(|z| (cut.invert(z) * 1e3).round() / 1e3).collect()
    }

    #[test]
    fn windows_line_up_with_their_targets() {
        for horizon in [1, 3] {
            let cut = cut(&column((0..100).map(f64::from).collect()), &plan(5, horizon)).unwrap();
            let Task { train, valid, test, next, .. } = &cut.tasks[0];
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
        let scaler = |values: &[f64]| cut(&column(values.to_vec()), &plan(5, 2)).unwrap().scaler;
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
        let before = cut(&column, &plan(5, 2)).unwrap();
        column.measured[93] = false;
        let after = cut(&column, &plan(5, 2)).unwrap();
        assert_eq!(after.test_targets, [90, 91, 92, 94, 96, 97, 98, 99]);
        assert_eq!(after.scaler, before.scaler);
        column.measured[60] = false; // a filled value in the training part
        assert_ne!(cut(&column, &plan(5, 2)).unwrap().scaler, before.scaler);
        column.measured[90..].fill(false);
        let sentence = cut(&column, &plan(5, 2)).err().unwrap();
        assert_eq!(sentence, "the test part (lines 92 to 101) has too many gaps: nothing there can be forecast");
    }

    #[test]
    fn models_may_learn_what_fits_into_the_training_part() {
        let wave = |i: i32| f64::from(i % 7 * (i % 7)) + f64::from(i) / 10.0;
        let kinds = |n: i32, plan: &Plan| -> Vec<Vec<usize>> {
            let tasks = cut(&column((0..n).map(wave).collect()), plan).unwrap().tasks;
            tasks.iter().map(|task| task.differences.lags().to_vec()).collect()
        };
        let free = Plan { differences: None, ..plan(5, 1) };
        assert_eq!(kinds(100, &free), [&[][..], &[1], &[7], &[1, 7]]);
        assert_eq!(kinds(100, &Plan { season: Some(14), ..free }), [&[][..], &[1], &[14], &[1, 14]]);
        // 18 values train: 12 before a window of 5 and its target fit, 13 do not.
        let free = Plan { differences: None, season: Some(12), ..plan(5, 1) };
        assert_eq!(kinds(26, &free), [&[][..], &[1], &[12]]);
        let told = Plan { differences: Some(Differences::new([2, 3])), ..plan(5, 1) };
        assert_eq!(kinds(100, &told), [[2, 3]]);
        let sentence = cut(&column((0..15).map(wave).collect()), &told).err().unwrap();
        assert!(sentence.ends_with("with lags of 5 values in all before them, need at least 16"), "{sentence}");
    }

    #[test]
    fn references_are_the_last_value_and_that_of_the_last_season() {
        let cut = cut(&column((0..100).map(f64::from).collect()), &Plan { season: Some(4), ..plan(5, 6) }).unwrap();
        let references = cut.references().unwrap();
        let own = |z: &f64| (cut.invert(*z) * 1e3).round() / 1e3;
        // Six steps ahead of 84 is 90; the last of its season known by then is 82.
        for (outcome, first) in references.iter().zip([84.0, 82.0]) {
            let run = &outcome.runs[0];
            assert_eq!(
                run.forecasts.iter().map(own).collect::<Vec<_>>(),
                (0..10).map(|i| first + f64::from(i)).collect::<Vec<_>>()
            );
            assert_eq!(run.next.as_ref().map(own), Some(first + 15.0));
            let error = 90.0 - first;
            assert!((run.validation.sqrt() * cut.scaler.std[0] - error).abs() < 1e-9);
        }
        assert_eq!(references.len(), 2);
    }

    #[test]
    fn too_few_rows_are_counted() {
        for (window, horizon) in [(1, 1), (5, 1), (20, 3), (13, 8)] {
            let needed = rows_needed(window, horizon, 0);
            let values = |n: usize| column((0..n).map(|i| i as f64).collect());
            assert!(cut(&values(needed), &plan(window, horizon)).is_ok());
            let sentence = cut(&values(needed - 1), &plan(window, horizon)).err().unwrap();
            assert!(sentence.contains(&format!("has {} values", needed - 1)), "{sentence}");
            assert!(sentence.ends_with(&format!("need at least {needed}")), "{sentence}");
        }
    }

    #[test]
    fn a_constant_or_an_enormous_value_is_refused() {
        let mut values = vec![0.1; 70];
        values.extend((0..30).map(f64::from));
        let sentence = cut(&column(values), &plan(5, 1)).err().unwrap();
        assert!(sentence.starts_with("v is 0.1 in every row of its training part (lines 2 to 71)"), "{sentence}");
        let mut values: Vec<f64> = (0..100).map(f64::from).collect();
        values[95] = 1e300;
        assert!(cut(&column(values.clone()), &plan(5, 1)).err().unwrap().starts_with("line 97: 1e300 is too far"));
        let offset = values.iter().map(|v| 1e15 + v % 3.0).collect();
        assert!(
            cut(&column(offset), &plan(5, 1))
                .err()
                .unwrap()
                .starts_with("the values of v all but equal 1.000e15: subtract")
        );
        values[5] = -1e300; // its square is infinite, and with it the standard deviation
        assert!(
            cut(&column(values), &plan(5, 1)).err().unwrap().starts_with("the values of v are too large or too small")
        );
    }
}
