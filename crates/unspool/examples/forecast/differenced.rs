//! What a model learns of a series: its values, or their differences.

use crate::Sentence;
use crate::column::Column;
use crate::models::Task;
use unspool::data::{DataError, Differences, StandardScaler, Windows};
use unspool::{Dataset, Tensor};

/// Examples of a series: the places of their targets, and what comes before these.
pub(crate) struct Examples<'a> {
    pub(crate) column: &'a Column,
    /// The scaled series, `[L, 1]`.
    pub(crate) values: &'a Tensor<f64>,
    /// The places of the training part that were measured.
    pub(crate) known: &'a [usize],
    /// The places of the targets of the three parts.
    pub(crate) targets: &'a [Vec<usize>; 3],
    pub(crate) window: usize,
    pub(crate) horizon: usize,
}

/// The task of forecasting these differences (the values, if there is no lag), which are scaled
/// once more. `None` if they reach so far back that no example is left to train on.
///
/// One step ahead, a target is the next difference. Further ahead, it is the distance from what
/// would follow if all differences until then were 0: with a lag of 1 the sum of the next `horizon`
/// differences.
pub(crate) fn task(examples: &Examples, differences: &Differences) -> Result<Option<Task>, Sentence> {
    let Examples { column, values, known, targets, window, horizon } = *examples;
    let (before, windows) = (differences.history(), Windows::new(window, horizon));
    let [train, valid, test] = targets;
    let train: Vec<usize> = train.iter().copied().filter(|target| target + 1 >= before + window + horizon).collect();
    if train.is_empty() {
        return Ok(None);
    }
    // Row 0 of the differences belongs to a later row of the series.
    let x = differences.transform(values).map_err(unusable)?;
    let known = known.iter().filter(|&&place| place >= before).map(|place| x.at([place - before, 0]));
    let x = unit(known.collect(), differences).transform(&x);
    usable(&x).map_err(|place| too_far(column, before + place))?;
    let x: Tensor = x.cast();

    let distances = |targets: &[usize]| -> Result<Vec<f64>, Sentence> {
        let unchanged = unchanged(values, differences, horizon, targets).map_err(unusable)?;
        Ok(targets.iter().zip(unchanged).map(|(&target, unchanged)| values.at([target, 0]) - unchanged).collect())
    };
    let unit = unit(distances(&train)?, differences);
    let part = |targets: &[usize]| -> Result<Dataset, Sentence> {
        let y = unit.transform(&Tensor::from_vec(distances(targets)?, [targets.len(), 1]));
        usable(&y).map_err(|i| too_far(column, targets[i]))?;
        let starts: Vec<usize> = targets.iter().map(|target| target + 1 - before - window - horizon).collect();
        let x = windows.at(&x, &starts).map_err(unusable)?.x().clone();
        Dataset::new(x, y.cast()).map_err(unusable)
    };
    let ahead = [&test[..], &[values.shape()[0] - 1 + horizon]].concat();
    let offsets = unchanged(values, differences, horizon, &ahead).map_err(unusable)?;
    Ok(Some(Task {
        differences: differences.clone(),
        train: part(&train)?,
        valid: part(valid)?,
        test: part(test)?,
        next: Some(windows.latest(&x).map_err(unusable)?),
        offsets: offsets.into_iter().map(|offset| offset + unit.mean[0]).collect(),
        scale: unit.std[0],
    }))
}

/// The values at the given places, if all differences of the `horizon` steps up to there were 0.
pub(crate) fn unchanged(
    values: &Tensor<f64>,
    differences: &Differences,
    horizon: usize,
    places: &[usize],
) -> Result<Vec<f64>, DataError> {
    let nothing = Tensor::zeros([horizon, 1]);
    let value = |place: &usize| {
        let now = place + 1 - horizon;
        let history = values.slice(0, now - differences.history()..now);
        Ok(differences.inverse(&history, &nothing)?.at([horizon - 1, 0]))
    };
    places.iter().map(value).collect()
}

/// Mean and standard deviation of differences; values are scaled already.
fn unit(values: Vec<f64>, differences: &Differences) -> StandardScaler {
    let one = |mean| StandardScaler { mean: vec![mean], std: vec![1.0] };
    if differences.lags().is_empty() {
        return one(0.0);
    }
    let (n, first) = (values.len(), values[0]);
    // Those of a straight trend are constant but for rounding, which is nothing to learn.
    match StandardScaler::fit(&Tensor::from_vec(values, [n, 1])) {
        Ok(scaler) if scaler.std[0] > 1e-10 => scaler,
        _ => one(first),
    }
}

/// Whether all values are small enough for losses, which square them in f32; the place of one that
/// is not.
pub(crate) fn usable(values: &Tensor<f64>) -> Result<(), usize> {
    values.to_vec().iter().position(|value| value.abs() >= 1e12).map_or(Ok(()), Err)
}

pub(crate) fn too_far(column: &Column, place: usize) -> Sentence {
    let (row, value) = (column.rows[place], column.values[place]);
    format!("line {row}: {value:e} is too far from the training part's values to compute with")
}

fn unusable(e: DataError) -> Sentence {
    e.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::numbers;
    use crate::windows::tests::{column, plan};
    use crate::windows::{Cut, Plan, cut};

    /// A trend, a season of 7 and some noise.
    fn values() -> Vec<f64> {
        (0..100).map(|i| f64::from(3 * i + 10 * (i % 7) + i * 37 % 11)).collect()
    }

    fn cut_into(lags: &[usize], horizon: usize, values: Vec<f64>) -> Cut {
        let plan = Plan { differences: Some(Differences::new(lags)), ..plan(5, horizon) };
        cut(&column(values), &plan).unwrap()
    }

    #[track_caller]
    fn near(a: &[f64], b: &[f64]) {
        assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3), "{a:?} {b:?}");
    }

    #[test]
    fn who_forecasts_every_target_forecasts_the_series() {
        for horizon in [1, 3, 9] {
            for lags in [&[][..], &[1], &[7], &[1, 7], &[1, 1]] {
                let cut = cut_into(lags, horizon, values());
                let task = &cut.tasks[0];
                let forecasts = task.forecasts(task.test.y(), &task.offsets);
                near(&forecasts.into_iter().map(|z| cut.invert(z)).collect::<Vec<_>>(), &values()[90..]);
                let before: usize = lags.iter().sum();
                let lengths = [70 - before - 4 - horizon, 20, 10];
                assert_eq!([&task.train, &task.valid, &task.test].map(Dataset::len), lengths, "{lags:?} {horizon}");
            }
        }
    }

    #[test]
    fn windows_hold_the_differences_before_their_target_scaled_by_those_of_the_training_part() {
        let values = values();
        let change = |t: usize| values[t] - values[t - 1];
        let train: Vec<f64> = (1..70).map(change).collect();
        let mean = train.iter().sum::<f64>() / 69.0;
        let std = (train.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 69.0).sqrt();
        let scaled = |places: std::ops::Range<usize>| places.map(|t| (change(t) - mean) / std).collect::<Vec<_>>();
        let cut = cut_into(&[1], 1, values.clone());
        let task = &cut.tasks[0];
        for (part, targets) in [(&task.train, 6..70), (&task.valid, 70..90), (&task.test, 90..100)] {
            for (i, target) in targets.enumerate() {
                near(&numbers(&part.x().slice(1, i..i + 1)), &scaled(target - 5..target));
            }
        }
        near(&numbers(task.next.as_ref().unwrap()), &scaled(95..100));
        // Targets are scaled by those of the training examples.
        let targets = numbers(task.train.y());
        let n = targets.len() as f64;
        near(&[targets.iter().sum::<f64>() / n, targets.iter().map(|y| y * y).sum::<f64>() / n], &[0.0, 1.0]);
    }

    #[test]
    fn what_comes_after_the_training_part_does_not_touch_it() {
        let before = cut_into(&[1, 7], 2, values());
        for place in 70..100 {
            let mut changed = values();
            changed[place] = 1e4;
            let after = cut_into(&[1, 7], 2, changed);
            let (before, after) = (&before.tasks[0], &after.tasks[0]);
            assert_eq!((before.scale, before.train.x().to_vec()), (after.scale, after.train.x().to_vec()));
            assert_eq!(before.train.y().to_vec(), after.train.y().to_vec());
        }
    }

    #[test]
    fn a_straight_trend_has_differences_that_say_nothing_and_forecasts_itself() {
        for lags in [&[1][..], &[1, 1], &[7]] {
            let values: Vec<f64> = (0..100).map(|i| 0.1 * f64::from(i)).collect();
            let cut = cut_into(lags, 3, values.clone());
            let task = &cut.tasks[0];
            assert_eq!(task.scale, 1.0);
            let nothing = task.forecasts(&Tensor::zeros([10, 1]), &task.offsets);
            near(&nothing.into_iter().map(|z| cut.invert(z)).collect::<Vec<_>>(), &values[90..]);
        }
    }
}
