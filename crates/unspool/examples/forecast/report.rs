//! The tables, and the remarks on them.

use crate::column::Column;
use crate::models::{self, Outcome, Task, numbers};
use crate::statistics::{mean, mean_distance, mean_square, median};
use crate::verdict;
use crate::windows::Cut;
use std::fmt::Write;

/// The test losses that the lecture quotes for the same models, made with Keras.
const LECTURE: [(&str, &str); 4] = [
    (models::DENSE, "0.00399"),
    (models::RNN, "0.01103"),
    (models::DEEP_RNN, "0.003197"),
    (models::DEEP_RNN_DENSE, "0.002758"),
];

/// The mean squared errors on the lecture's series.
pub(crate) fn lecture(outcomes: &[Outcome], task: &Task) -> String {
    let targets = numbers(task.test.y());
    let mut rows = vec![header(outcomes, &["parameters", "test MSE"], &["lecture", "s/fit"])];
    let mut notes = "test MSE: mean over the seeds; lecture: what the lecture quotes for Keras\n\
                     Keras 3.15 on the same data, mean of three seeds: LSTM 0.00280, GRU 0.00306\n"
        .to_string();
    for outcome in outcomes {
        let losses = per_run(outcome, |forecasts| mean_square(forecasts, &targets));
        let lecture = LECTURE.iter().find(|(model, _)| *model == outcome.model).map_or("-", |(_, loss)| loss);
        let mut row = vec![outcome.model.to_string(), outcome.parameters.to_string()];
        row.push(format!("{:.5}", mean(&losses)));
        row.extend(by_seed(outcome, outcomes, &losses, |loss| format!("{loss:.5}")));
        row.extend([lecture.to_string(), seconds(outcome)]);
        rows.push(row);
        if outcome.model == models::RNN {
            notes += &stuck(&losses);
        }
    }
    format!("{}\n{notes}", table(&rows))
}

/// The errors on a series of one's own, in its own unit.
pub(crate) fn own_series(outcomes: &[Outcome], column: &Column, cut: &Cut) -> String {
    let targets: Vec<f64> = cut.test_targets.iter().map(|&i| column.values[i]).collect();
    let own = |forecasts: &[f64]| forecasts.iter().map(|&z| cut.invert(z)).collect::<Vec<_>>();
    // Errors speak for themselves; values get the decimals of the standard deviation.
    let unit = cut.invert(1.0) - cut.invert(0.0);
    let value = |value: f64| with_digits_of(unit, value);
    // The squared error of each forecast, mean over the seeds.
    let squares = |outcome: &Outcome| -> Vec<f64> {
        let square = |i: usize| mean(&per_run(outcome, |forecasts| (cut.invert(forecasts[i]) - targets[i]).powi(2)));
        (0..targets.len()).map(square).collect()
    };
    let naive = squares(&outcomes[0]);
    let next = format!("+{}", cut.horizon);
    let before = ["parameters", "differences", "validation", "MAE", "RMSE", "of naive"];
    let mut rows = vec![header(outcomes, &before, &["s/fit", &next])];
    let (mut verdicts, mut ratios) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let rmse = per_run(outcome, |forecasts| mean_square(&own(forecasts), &targets).sqrt());
        let mae = per_run(outcome, |forecasts| mean_distance(&own(forecasts), &targets));
        let next: Vec<f64> = outcome.runs.iter().filter_map(|run| run.next).collect();
        let squares = squares(outcome);
        let verdict = verdict::judge(&naive, &squares, cut.horizon);
        let ratio = if squares == naive { 1.0 } else { (mean(&squares) / mean(&naive)).sqrt() };
        let mut row = vec![outcome.model.to_string(), outcome.parameters.to_string(), learned(outcome)];
        row.extend([outcome.validation().sqrt() * unit, mean(&mae), mean(&rmse)].map(short));
        row.push(if rows.len() == 1 { "1.00  ".to_string() } else { format!("{ratio:.2}{}", verdict.mark()) });
        row.extend(by_seed(outcome, outcomes, &rmse, short));
        row.extend([seconds(outcome), value(mean(&own(&next)))]);
        rows.push(row);
        verdicts.push(verdict);
        ratios.push(ratio);
    }
    let (first, last) = (cut.test_targets[0], cut.test_targets[cut.test_targets.len() - 1]);
    let mut text = table(&rows);
    let _ = writeln!(
        text,
        "\ndifferences: the lags of those that the model learned{}\n\
         validation: RMSE on its {} values\n\
         MAE, RMSE: errors in the unit of {} on {} test values, {} to {}; means over the seeds, then the RMSE of each\n\
         of naive: RMSE of all seeds, over that of the last value\n\
         +{}: forecast {} after the last row, {}; mean over the seeds",
        if cut.tasks.len() > 1 { ", chosen by the error of its first seed on the validation part" } else { "" },
        cut.valid_targets.len(),
        column.name,
        targets.len(),
        column.labels[first],
        column.labels[last],
        cut.horizon,
        if cut.horizon == 1 { "1 step".to_string() } else { format!("{} steps", cut.horizon) },
        column.labels[column.labels.len() - 1],
    );
    if let Some(season) = cut.season {
        let _ =
            writeln!(text, "{}: the value at the same place of the last season, of {season} steps", models::SEASONAL);
    }
    let filled = column.measured.iter().filter(|measured| !**measured).count();
    if filled > 0 {
        let _ = writeln!(
            text,
            "{filled} missing values were filled on straight lines; none of them is a target or the end of a window"
        );
    }
    for note in &column.notes {
        let _ = writeln!(text, "{note}");
    }
    text.push('\n');
    text += &verdict::sentences(outcomes, &verdicts, column, cut);
    let best = (0..outcomes.len()).min_by(|&a, &b| outcomes[a].validation().total_cmp(&outcomes[b].validation()));
    let best = best.expect("naive at least");
    let then = match best {
        0 => String::new(),
        _ => format!(", whose RMSE on the test part is {:.2} of naive's", ratios[best]),
    };
    let _ = writeln!(text, "Least error on the validation part: {}{then}.", outcomes[best].model);
    text
}

/// What a model learned: lags of differences, or none.
fn learned(outcome: &Outcome) -> String {
    match outcome.differences.lags() {
        _ if outcome.parameters == 0 => "-".to_string(),
        [] => "none".to_string(),
        lags => models::listed(lags),
    }
}

/// Whether seeds of SimpleRNN(1) ended far from the best one.
fn stuck(losses: &[f64]) -> String {
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let far: Vec<String> =
        (0..losses.len()).filter(|&i| losses[i] > 2.0 * best).map(|i| format!("seed {i} ({:.5})", losses[i])).collect();
    let verdict = match (losses.len(), far.is_empty()) {
        (1, _) => "One seed alone does not show it.".to_string(),
        (_, true) => "In this run no seed ended at more than twice the MSE of the best.".to_string(),
        (_, false) => format!("In this run: {}, more than twice the MSE of the best seed.", far.join(", ")),
    };
    format!(
        "{} depends on its seed: its recurrent weight, an orthogonal 1 x 1 matrix, starts at +1 or -1, and from\n\
         some starting weights training gets stuck. {verdict}\n\
         All seeds are shown, none is chosen.\n",
        models::RNN
    )
}

fn header(outcomes: &[Outcome], before: &[&str], after: &[&str]) -> Vec<String> {
    let seeds = (0..seeds(outcomes)).map(|seed| format!("seed {seed}"));
    let texts = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    texts(&["model"]).into_iter().chain(texts(before)).chain(seeds).chain(texts(after)).collect()
}

fn seeds(outcomes: &[Outcome]) -> usize {
    outcomes.iter().map(|outcome| outcome.runs.len()).max().unwrap_or(0)
}

fn per_run(outcome: &Outcome, error: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    outcome.runs.iter().map(|run| error(&run.forecasts)).collect()
}

/// A cell per seed; dashes for a model that has no seeds.
fn by_seed(outcome: &Outcome, all: &[Outcome], errors: &[f64], show: impl Fn(f64) -> String) -> Vec<String> {
    if outcome.parameters == 0 {
        return vec!["-".to_string(); seeds(all)];
    }
    errors.iter().map(|&error| show(error)).collect()
}

/// The median over the seeds.
fn seconds(outcome: &Outcome) -> String {
    let seconds: Vec<f64> = outcome.runs.iter().filter_map(|run| Some(run.history.as_ref()?.seconds)).collect();
    if seconds.is_empty() { "-".to_string() } else { format!("{:.3}", median(seconds)) }
}

/// Four significant digits, or all digits before the point.
fn short(value: f64) -> String {
    with_digits_of(value, value)
}

/// The value with as many decimals as `size` has in four significant digits.
fn with_digits_of(size: f64, value: f64) -> String {
    let size = size.abs();
    if size != 0.0 && !(1e-4..1e9).contains(&size) {
        return format!("{value:.3e}");
    }
    let digits = if size == 0.0 { 0 } else { size.log10().floor() as i32 };
    format!("{value:.*}", (3 - digits).max(0) as usize)
}

/// Columns side by side: the first to the left, numbers to the right.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let _ = write!(text, "{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Run;
    use crate::windows::tests::{column, plan};
    use crate::windows::{Plan, cut};
    use unspool::data::Differences;
    use unspool::train::History;

    /// A model that learned these differences and whose outputs are `distance` from the targets.
    fn outcome(model: &'static str, lags: &[usize], cut: &Cut, distance: f32, val_loss: &[f64]) -> Outcome {
        let task = cut.tasks.iter().find(|task| task.differences.lags() == lags).unwrap();
        let outputs = task.test.y().map(|y| y + distance);
        let run = Run {
            history: Some(History { val_loss: val_loss.to_vec(), ..History::default() }),
            validation: val_loss[val_loss.len() - 1],
            forecasts: task.forecasts(&outputs, &task.offsets),
            next: Some(0.0),
        };
        Outcome { model, parameters: 5, differences: Differences::new(lags), runs: vec![run] }
    }

    #[test]
    fn what_does_not_beat_naive_is_marked_and_explained() {
        // A trend, along which nothing repeats.
        let column = column((0..100).map(|i| f64::from(10 * i + i * i * 37 % 11)).collect());
        let plan = Plan { season: Some(4), differences: None, ..plan(5, 1) };
        let cut = cut(&column, &plan).unwrap();
        let mut outcomes = cut.references().unwrap();
        outcomes.extend([
            outcome(models::DENSE, &[], &cut, 9.0, &[9.0; 8]),
            outcome(models::RNN, &[], &cut, 8.0, &[9.0; 8]),
            outcome(models::DEEP_RNN, &[1], &cut, 0.01, &[0.001; 8]),
            outcome(models::DEEP_RNN_DENSE, &[1], &cut, 7.0, &[9.0; 8]),
            outcome(models::LSTM, &[1], &cut, 7.0, &[9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0]),
            outcome(models::GRU, &[1], &cut, 7.0, &[1e-9; 8]),
        ]);
        let text = own_series(&outcomes, &column, &cut);
        let marked: Vec<&str> = text.lines().filter(|line| line.contains(" * ")).collect();
        assert_eq!(marked.len(), 6, "{text}");
        for part in [
            "\n* does not beat naive; why that may be:\n",
            "  seasonal naive: the last season says no more than the last value\n",
            "  Dense(1): 100 % of the values to forecast lie outside of those of the training part (differences follow a trend: \
             --difference 1)\n",
            "  SimpleRNN(1): tanh keeps outputs within a standard deviation of the mean, 100 % of the values to forecast lie \
             beyond\n",
            "  SimpleRNN(20)-(20), Dense(1): it found nothing in the training part that says more than the last value\n",
            "  LSTM(20)-(20), Dense(1): its error on the validation part still fell when training ended: try more --epochs\n",
            "  GRU(20)-(20), Dense(1): on the validation part it was: that was chance, or the test part is different\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("No forecast is better"), "{text}");
        let best = text.lines().last().unwrap();
        assert!(
            best.starts_with("Least error on the validation part: GRU(20)-(20), Dense(1), whose RMSE on"),
            "{best}"
        );
        assert!(text.lines().any(|line| line.starts_with(models::DEEP_RNN) && !line.contains('*')), "{text}");
    }

    #[test]
    fn a_random_walk_is_called_one() {
        // Steps of 1 and -1 without pattern.
        let mut state = 7u32;
        let mut step = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 31) * 2.0 - 1.0
        };
        let walk = (0..300).scan(0.0, |x, _| {
            *x += step();
            Some(*x)
        });
        let column = column(walk.collect());
        let cut = cut(&column, &Plan { differences: None, ..plan(5, 1) }).unwrap();
        let mut outcomes = cut.references().unwrap();
        outcomes.push(outcome(models::GRU, &[1], &cut, 1.5, &[9.0; 8]));
        let text = own_series(&outcomes, &column, &cut);
        assert!(
            text.contains("No forecast is better than the last value beyond chance.\nThe steps of its training"),
            "{text}"
        );
        assert!(text.ends_with("Least error on the validation part: naive: the last value.\n"), "{text}");
    }

    #[test]
    fn a_seed_far_from_the_others_is_named() {
        assert!(stuck(&[0.011, 0.14, 0.015]).contains("In this run: seed 1 (0.14000), more than"));
        assert!(stuck(&[0.011, 0.012, 0.015]).contains("In this run no seed ended"));
        assert!(stuck(&[0.14, 0.011, 0.13]).contains("In this run: seed 0 (0.14000), seed 2 (0.13000), more than"));
        assert!(stuck(&[0.14]).contains("One seed alone"));
    }

    #[test]
    fn errors_and_medians() {
        assert_eq!(mean_square(&[1.0, 2.0], &[1.0, 5.0]), 4.5);
        assert_eq!(mean_distance(&[1.0, 2.0], &[1.0, 5.0]), 1.5);
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0])), (2.0, 2.5));
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in
            [(0.0, "0.000"), (15.638, "15.64"), (-371.52, "-371.5"), (0.012346, "0.01235"), (123456.7, "123457")]
        {
            assert_eq!(short(value), text);
        }
        assert_eq!(with_digits_of(0.7, 1e9 + 0.25), "1000000000.2500");
        assert_eq!((short(1.5e12), short(1e-7)), ("1.500e12".to_string(), "1.000e-7".to_string()));
    }
}
