//! From a long series to tasks: its windows, and the value some steps after each.

use crate::Result;
use crate::column::Column;
use crate::models::{NAIVE, Outcome, Run, SEASONAL, Task};
use crate::plan::Plan;
use crate::statistics::{find_season, mean_square};
use std::ops::Range;
use unspool::data::{Differences, StandardScaler, Windows, time_split};
use unspool::{Dataset, Tensor};

/// A series cut into examples.
pub(crate) struct Cut {
    pub(crate) column: Column,
    /// With the season that was found, if none was given.
    pub(crate) plan: Plan,
    /// One for each kind of differences that a model may learn; their targets lie at the same
    /// places.
    pub(crate) tasks: Vec<Task>,
    /// The places of the targets of the training, validation and test part.
    pub(crate) targets: [Vec<usize>; 3],
    /// The places of the training part that were measured.
    known: Vec<usize>,
    /// The scaled series, `[L, 1]`.
    values: Tensor<f64>,
    scaler: StandardScaler,
}

/// Cuts the series into windows, scales them, and takes differences.
///
/// The first 70 % of the time are for training, the next 20 % for validation, the last 10 % for the
/// test. An example belongs where its target lies; its window, earlier by nature, may begin in the
/// part before. It counts only if its target and the last value of its window were measured: a
/// filled value knows what comes after it.
pub(crate) fn cut(column: Column, mut plan: Plan) -> Result<Cut> {
    let Plan { window, horizon, ref difference, season } = plan;
    let (n, name) = (column.values.len(), &column.name);
    let before = difference.as_ref().map_or(0, Differences::history).max(season.unwrap_or(0));
    let parts = |n| time_split(n, [70, 20, 10]);
    // The least number of values for which each part holds a target.
    let enough = |&n: &usize| {
        let [train, valid, test] = parts(n);
        train.len() >= before + window + horizon && !valid.is_empty() && !test.is_empty()
    };
    let needed = (window + horizon..).find(enough).expect("some number is enough");
    if n < needed {
        let lags = if before == 0 { "" } else { &format!(", with lags of {before} values in all before them,") };
        let spans = format!("a window of {window} and a horizon of {horizon}{lags}");
        return Err(format!("{name} has {n} values: {spans} need at least {needed}").into());
    }
    let parts = parts(n);
    let lines = |part: &Range<usize>| format!("lines {} to {}", column.rows[part.start], column.rows[part.end - 1]);
    let measured = |place: &usize| column.measured[*place];
    let mut targets = [const { Vec::new() }; 3];
    for ((targets, part), name) in targets.iter_mut().zip(&parts).zip(["training", "validation", "test"]) {
        let starts = Windows::new(window, horizon).starts(part.clone()).into_iter();
        let all = starts.map(|start| start + window - 1 + horizon);
        targets.extend(all.filter(|target| measured(target) && measured(&(target - horizon))));
        if targets.is_empty() {
            let part = format!("the {name} part ({})", lines(part));
            return Err(format!("{part} has too many gaps: nothing there can be forecast").into());
        }
    }
    let known: Vec<usize> = parts[0].clone().filter(measured).collect();
    let scaler = fit(&column, &known, &lines(&parts[0]))?;
    let values = scaler.transform(&Tensor::from_slice(&column.values, [n, 1]));
    let season = season.or_else(|| find_season(&column.values[..=known[known.len() - 1]]));
    let kinds = match (difference, season) {
        (Some(differences), _) => vec![differences.clone()],
        (None, None) => vec![Differences::new([]), Differences::new([1])],
        (None, Some(season)) => [&[][..], &[1], &[season], &[1, season]].map(Differences::new).into(),
    };
    plan.season = season;
    let mut cut = Cut { column, plan, tasks: Vec::new(), targets, known, values, scaler };
    cut.near(&cut.values, |place| place)?;
    for kind in &kinds {
        cut.tasks.extend(cut.task(kind)?);
    }
    if cut.tasks.is_empty() {
        let lags = format!("differences of lags {:?}", kinds[0].lags());
        return Err(format!("the training part has too many gaps for {lags}: nothing there can be forecast").into());
    }
    Ok(cut)
}

/// Mean and standard deviation of the measured values of the training part, and of nothing else.
fn fit(column: &Column, known: &[usize], lines: &str) -> Result<StandardScaler> {
    let (name, first, count) = (&column.name, column.values[known[0]], known.len());
    let known: Vec<f64> = known.iter().map(|&i| column.values[i]).collect();
    let is_constant = known.iter().all(|value| *value == first);
    let problem = match StandardScaler::fit(&Tensor::from_vec(known, [count, 1])) {
        _ if is_constant => format!("{name} is {first} in every row of its training part ({lines}): nothing to learn"),
        Ok(StandardScaler { mean, std }) if (1e-30..1e30).contains(&std[0]) => {
            if std[0] >= 1e-10 * mean[0].abs() {
                return Ok(StandardScaler { mean, std });
            }
            format!("the values of {name} all but equal {:.3e}: subtract it from them", mean[0])
        }
        _ => format!("the values of {name} are too large or too small to compute with: change the unit"),
    };
    Err(problem.into())
}

impl Cut {
    /// From the scaled series to its own unit.
    pub(crate) fn invert(&self, scaled: f64) -> f64 {
        scaled * self.scaler.std[0] + self.scaler.mean[0]
    }

    /// The horizon in words.
    pub(crate) fn steps_ahead(&self) -> String {
        format!("{} step{}", self.plan.horizon, if self.plan.horizon == 1 { "" } else { "s" })
    }

    /// The forecasts that nothing changes: from one step to the next, or from one season to the
    /// next.
    pub(crate) fn references(&self) -> Result<Vec<Outcome>> {
        let [_, valid, _] = &self.targets;
        let lags = [(NAIVE, Some(1)), (SEASONAL, self.plan.season)].into_iter();
        let lags = lags.filter_map(|(name, lag)| Some((name, Differences::new([lag?]))));
        let outcomes = lags.map(|(name, differences)| {
            let values: Vec<f64> = valid.iter().map(|&i| self.values.at([i, 0])).collect();
            let validation = mean_square(&self.unchanged(&differences, valid)?, &values);
            let run = Run { history: None, validation, forecasts: self.unchanged(&differences, &self.ahead())? };
            Ok(Outcome { model: name, parameters: 0, differences: Differences::new([]), runs: vec![run] })
        });
        outcomes.collect()
    }

    /// The places to forecast: the targets of the test part, and the one beyond the end.
    fn ahead(&self) -> Vec<usize> {
        [&self.targets[2][..], &[self.values.shape()[0] - 1 + self.plan.horizon]].concat()
    }

    /// The values at the given places, if all differences of the `horizon` steps up to there were
    /// 0.
    fn unchanged(&self, differences: &Differences, places: &[usize]) -> Result<Vec<f64>> {
        let nothing = Tensor::zeros([self.plan.horizon, 1]);
        let value = |place: &usize| {
            let now = place + 1 - self.plan.horizon;
            let history = self.values.slice(0, now - differences.history()..now);
            Ok(differences.inverse(&history, &nothing)?.at([self.plan.horizon - 1, 0]))
        };
        places.iter().map(value).collect()
    }

    /// The task of forecasting these differences (the values, if there is no lag), which are scaled
    /// once more. `None` if they reach so far back that no example is left to train on.
    ///
    /// One step ahead, a target is the next difference. Further ahead, it is the distance from what
    /// would follow if all differences until then were 0: with a lag of 1 the sum of the next
    /// `horizon` differences.
    fn task(&self, differences: &Differences) -> Result<Option<Task>> {
        let before = differences.history();
        // The first row of the differences that the window of a target takes.
        let start = |target: &usize| (target + 1).checked_sub(before + self.plan.window + self.plan.horizon);
        let [train, valid, test] = &self.targets;
        let train: Vec<usize> = train.iter().copied().filter(|target| start(target).is_some()).collect();
        if train.is_empty() {
            return Ok(None);
        }
        // Row 0 of the differences belongs to a later row of the series.
        let x = differences.transform(&self.values)?;
        let known = self.known.iter().filter(|&&place| place >= before).map(|place| x.at([place - before, 0]));
        let x = unit(known.collect(), differences).transform(&x);
        self.near(&x, |row| before + row)?;
        let x: Tensor = x.cast();

        let distances = |targets: &[usize]| -> Result<Vec<f64>> {
            let unchanged = self.unchanged(differences, targets)?;
            Ok(unchanged
                .iter()
                .zip(targets)
                .map(|(unchanged, &target)| self.values.at([target, 0]) - unchanged)
                .collect())
        };
        let unit = unit(distances(&train)?, differences);
        let windows = Windows::new(self.plan.window, self.plan.horizon);
        let part = |targets: &[usize]| -> Result<Dataset> {
            let y = unit.transform(&Tensor::from_vec(distances(targets)?, [targets.len(), 1]));
            self.near(&y, |i| targets[i])?;
            let x = windows.at(&x, &targets.iter().filter_map(start).collect::<Vec<_>>())?.x().clone();
            Ok(Dataset::new(x, y.cast())?)
        };
        let (test, offsets) = (part(test)?, self.unchanged(differences, &self.ahead())?);
        Ok(Some(Task {
            differences: differences.clone(),
            train: part(&train)?,
            valid: part(valid)?,
            ahead: Tensor::concat(1, &[test.x().clone(), windows.latest(&x)?]),
            test,
            offsets: offsets.into_iter().map(|offset| offset + unit.mean[0]).collect(),
            scale: unit.std[0],
        }))
    }

    /// Returns an error if a value is too large for losses, which square it in f32; it belongs to
    /// that place of the series.
    fn near(&self, values: &Tensor<f64>, place: impl Fn(usize) -> usize) -> Result<()> {
        let Some(far) = values.to_vec().iter().position(|value| value.abs() >= 1e12).map(place) else { return Ok(()) };
        let (line, value) = (self.column.rows[far], self.column.values[far]);
        Err(format!("line {line}: {value:e} is too far from the training part's values to compute with").into())
    }
}

/// Mean and standard deviation of differences; values are scaled already.
fn unit(values: Vec<f64>, differences: &Differences) -> StandardScaler {
    let (n, first, is_scaled) = (values.len(), values[0], differences.lags().is_empty());
    match StandardScaler::fit(&Tensor::from_vec(values, [n, 1])) {
        // Those of a straight trend are constant but for rounding, which is nothing to learn.
        Ok(scaler) if scaler.std[0] > 1e-10 && !is_scaled => scaler,
        _ => StandardScaler { mean: vec![if is_scaled { 0.0 } else { first }], std: vec![1.0] },
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::models::numbers;
    use crate::statistics::mean;

    fn column(values: Vec<f64>) -> Column {
        let rows: Vec<usize> = (2..values.len() + 2).collect();
        let labels = rows.iter().map(usize::to_string).collect();
        Column { name: "v".to_string(), measured: vec![true; values.len()], values, rows, labels, notes: Vec::new() }
    }

    fn line(n: usize) -> Column {
        column((0..n).map(|i| i as f64).collect())
    }

    fn plan(window: usize, horizon: usize, lags: &[usize]) -> Plan {
        Plan { window, horizon, difference: Some(Differences::new(lags)), season: None }
    }

    /// With windows of 5, one step ahead; models choose their differences.
    pub(crate) fn cut_freely(values: Vec<f64>, season: Option<usize>) -> Cut {
        cut(column(values), Plan { window: 5, horizon: 1, difference: None, season }).unwrap()
    }

    /// A trend, a season of 7 and some noise.
    fn wave() -> Vec<f64> {
        (0..100).map(|i| f64::from(3 * i + 10 * (i % 7) + i * 37 % 11)).collect()
    }

    #[track_caller]
    fn assert_near(a: impl IntoIterator<Item = f64>, b: &[f64]) {
        let a: Vec<f64> = a.into_iter().collect();
        assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3), "{a:?} {b:?}");
    }

    /// Windows end `horizon` steps before their target. Who forecasts every target forecasts the
    /// series, and nothing else is needed on a straight trend.
    #[test]
    fn windows_and_targets_line_up_with_the_series() {
        for (horizon, lags) in [(1, &[][..]), (3, &[]), (1, &[1]), (3, &[1]), (9, &[7]), (3, &[1, 7]), (1, &[1, 1])] {
            let cut_of = |values: Vec<f64>| cut(column(values), plan(5, horizon, lags)).unwrap();
            let (cut, before) = (cut_of(wave()), lags.iter().sum::<usize>());
            let Task { differences, train, valid, test, ahead, .. } = &cut.tasks[0];
            let forecasts = cut.tasks[0].forecasts(test.y()).into_iter();
            assert_near(forecasts.map(|z| cut.invert(z)), &wave()[90..]);

            let changes = differences.transform(&Tensor::from_vec(wave(), [100, 1])).unwrap();
            let scaler = StandardScaler::fit(&changes.slice(0, ..70 - before)).unwrap();
            let scaled = scaler.transform(&changes).to_vec();
            for (part, targets) in [(train, before + 4 + horizon..70), (valid, 70..90), (test, 90..100)] {
                assert_eq!(part.len(), targets.len(), "{lags:?} {horizon}");
                for (i, end) in targets.map(|target| target + 1 - horizon - before).enumerate() {
                    assert_near(numbers(&part.x().slice(1, i..i + 1)), &scaled[end - 5..end]);
                }
            }
            assert_near(numbers(&ahead.slice(1, 10..)), &scaled[scaled.len() - 5..]);
            if before > 0 {
                let targets = numbers(train.y());
                assert_near([mean(&targets), mean_square(&targets, &vec![0.0; targets.len()])], &[0.0, 1.0]);
                let (trend, line) = (cut_of(line(100).values), &cut_of(line(100).values).tasks[0]);
                let forecasts = line.forecasts(&Tensor::zeros([10, 1])).into_iter();
                assert_near(forecasts.map(|z| trend.invert(z)), &trend.column.values[90..]);
                assert_eq!(line.scale, 1.0);
            }
        }
    }

    #[test]
    fn only_the_training_part_decides_the_scaling() {
        for lags in [&[][..], &[1, 7]] {
            let before = cut(column(wave()), plan(5, 2, lags)).unwrap();
            for place in 69..100 {
                let mut changed = wave();
                changed[place] = 1e4;
                let after = cut(column(changed), plan(5, 2, lags)).unwrap();
                let numbers = |cut: &Cut| {
                    let Task { train, scale, .. } = &cut.tasks[0];
                    (cut.scaler.clone(), train.x().to_vec(), train.y().to_vec(), *scale)
                };
                assert_eq!(numbers(&after) == numbers(&before), place > 69, "value {place}");
            }
        }
    }

    #[test]
    fn filled_values_are_neither_targets_nor_the_end_of_a_window() {
        let cut_without = |places: &[usize]| {
            let mut column = line(100);
            places.iter().for_each(|&place| column.measured[place] = false);
            cut(column, plan(5, 2, &[]))
        };
        let (before, after) = (cut_without(&[]).unwrap(), cut_without(&[93]).unwrap());
        assert_eq!(after.targets[2], [90, 91, 92, 94, 96, 97, 98, 99]);
        assert_eq!(after.scaler, before.scaler);
        assert_ne!(cut_without(&[60]).unwrap().scaler, before.scaler); // a filled value in the training part
        let sentence = cut_without(&(90..100).collect::<Vec<_>>()).err().unwrap().to_string();
        assert_eq!(sentence, "the test part (lines 92 to 101) has too many gaps: nothing there can be forecast");
    }

    #[test]
    fn models_may_learn_what_fits_into_the_training_part() {
        let wave = |n: i32| (0..n).map(|i| f64::from(i % 7 * (i % 7)) + f64::from(i) / 10.0).collect::<Vec<_>>();
        let kinds = |cut: Cut| cut.tasks.iter().map(|task| task.differences.lags().to_vec()).collect::<Vec<_>>();
        assert_eq!(kinds(cut_freely(wave(100), None)), [&[][..], &[1], &[7], &[1, 7]]);
        assert_eq!(kinds(cut_freely(wave(100), Some(14))), [&[][..], &[1], &[14], &[1, 14]]);
        // 18 values train: 12 before a window of 5 and its target fit, 13 do not.
        assert_eq!(kinds(cut_freely(wave(26), Some(12))), [&[][..], &[1], &[12]]);
        assert_eq!(kinds(cut(column(wave(100)), plan(5, 1, &[2, 3])).unwrap()), [[2, 3]]);
    }

    #[test]
    fn references_are_the_last_value_and_that_of_the_last_season() {
        let cut = cut(line(100), Plan { season: Some(4), ..plan(5, 6, &[]) }).unwrap();
        let references = cut.references().unwrap();
        // Six steps ahead of 84 is 90; the last of its season known by then is 82.
        for (outcome, first) in references.iter().zip([84.0, 82.0]) {
            let run = &outcome.runs[0];
            let forecasts = run.forecasts.iter().map(|&z| cut.invert(z));
            let expected: Vec<f64> = (0..10).chain([15]).map(|i| first + f64::from(i)).collect();
            assert_near(forecasts, &expected);
            assert_near([run.validation.sqrt() * cut.scaler.std[0]], &[90.0 - first]);
        }
        assert_eq!(references.len(), 2);
    }

    #[test]
    fn too_few_rows_are_counted() {
        for (window, horizon, lags, needed) in [(1, 1, &[][..], 4), (20, 3, &[], 33), (5, 1, &[2, 3], 16)] {
            assert!(cut(line(needed), plan(window, horizon, lags)).is_ok(), "{needed}");
            let sentence = cut(line(needed - 1), plan(window, horizon, lags)).err().unwrap().to_string();
            assert!(sentence.starts_with(&format!("v has {} values: a window of", needed - 1)), "{sentence}");
            assert!(sentence.ends_with(&format!(" need at least {needed}")), "{sentence}");
        }
    }

    #[test]
    fn differences_are_lags_or_none() {
        use crate::plan::differences;
        assert_eq!(differences("none"), Ok(Differences::new([])));
        assert_eq!(differences("1, 12"), Ok(Differences::new([1, 12])));
        for text in ["", "0", "1,0", "-1", "1,", "1.5", "one", "10001", "None,1", "99999999999999999999"] {
            assert!(differences(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_constant_or_an_enormous_value_is_refused() {
        type Value = fn(usize) -> f64;
        let values: [(Value, &str); 4] = [
            (|i| if i < 70 { 0.1 } else { i as f64 }, "v is 0.1 in every row of its training part (lines 2 to 71)"),
            (|i| if i == 95 { 1e300 } else { i as f64 }, "line 97: 1e300 is too far"),
            (|i| 1e15 + (i % 3) as f64, "the values of v all but equal 1.000e15: subtract"),
            // Its square is infinite, and with it the standard deviation.
            (|i| if i == 5 { -1e300 } else { i as f64 }, "the values of v are too large or too small"),
        ];
        for (value, start) in values {
            let sentence = cut(column((0..100).map(value).collect()), plan(5, 1, &[])).err().unwrap().to_string();
            assert!(sentence.starts_with(start), "{sentence}");
        }
    }
}
