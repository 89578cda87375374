//! The table, and the remarks on it.

use crate::models::{Outcome, Run, SEASONAL, listed};
use crate::statistics::{mean, median};
use crate::tasks::Cut;
use crate::verdict;
use std::fmt::Write;

/// The errors of all models, in the unit of the series.
pub(crate) fn table_and_remarks(outcomes: &[Outcome], cut: &Cut) -> String {
    let (column, [_, valid, test]) = (&cut.column, &cut.targets);
    // Errors speak for themselves; values get the decimals of the standard deviation.
    let unit = cut.invert(1.0) - cut.invert(0.0);
    let error = |run: &Run, i: usize| cut.invert(run.forecasts[i]) - column.values[test[i]];
    let errors = |run: &Run| (0..test.len()).map(|i| error(run, i)).collect::<Vec<_>>();
    let per_run = |outcome: &Outcome, f: &dyn Fn(&Run) -> f64| outcome.runs.iter().map(f).collect::<Vec<_>>();
    // The squared error of each forecast, mean over the seeds.
    let squares = |outcome: &Outcome| -> Vec<f64> {
        (0..test.len()).map(|i| mean(&per_run(outcome, &|run| error(run, i).powi(2)))).collect()
    };
    let naive = squares(&outcomes[0]);
    let seeds = outcomes.iter().map(|outcome| outcome.runs.len()).max().unwrap_or(0);
    let names = ["model", "parameters", "differences", "validation", "MAE", "RMSE", "of naive"];
    let mut rows = vec![names.map(String::from).to_vec()];
    rows[0].extend((0..seeds).map(|seed| format!("seed {seed}")));
    rows[0].extend(["s/fit".to_string(), format!("+{}", cut.plan.horizon)]);
    let (mut verdicts, mut ratios) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let untrained = outcome.parameters == 0;
        let rmse = per_run(outcome, &|run| mean(&errors(run).iter().map(|e| e.powi(2)).collect::<Vec<_>>()).sqrt());
        let mae = per_run(outcome, &|run| mean(&errors(run).iter().map(|e| e.abs()).collect::<Vec<_>>()));
        let squares = squares(outcome);
        let verdict = verdict::judge(&naive, &squares, cut.plan.horizon);
        let ratio = if squares == naive { 1.0 } else { (mean(&squares) / mean(&naive)).sqrt() };
        let learned = match outcome.differences.lags() {
            _ if untrained => "-".to_string(),
            [] => "none".to_string(),
            lags => listed(lags),
        };
        let mut row = vec![outcome.model.to_string(), outcome.parameters.to_string(), learned];
        row.extend([outcome.validation().sqrt() * unit, mean(&mae), mean(&rmse)].map(short));
        row.push(format!("{ratio:.2}{}", if rows.len() == 1 { "  " } else { verdict::MARKS[verdict as usize] }));
        row.extend((0..seeds).map(|seed| if untrained { "-".to_string() } else { short(rmse[seed]) }));
        let seconds = outcome.runs.iter().filter_map(|run| Some(run.history.as_ref()?.seconds)).collect();
        row.push(if untrained { "-".to_string() } else { format!("{:.3}", median(seconds)) });
        row.push(with_digits_of(unit, mean(&per_run(outcome, &|run| cut.invert(run.forecasts[test.len()])))));
        rows.push(row);
        verdicts.push(verdict);
        ratios.push(ratio);
    }
    let mut text = table(&rows);
    let by_validation = ", chosen by the error of its first seed on the validation part";
    let chosen = if cut.tasks.len() > 1 { by_validation } else { "" };
    let (labels, name, horizon, steps) = (&column.labels, &column.name, cut.plan.horizon, cut.steps_ahead());
    let (from, to, end) = (&labels[test[0]], &labels[test[test.len() - 1]], &labels[labels.len() - 1]);
    let (count, valid_count) = (test.len(), valid.len());
    let _ = writeln!(
        text,
        "\ndifferences: the lags of those that the model learned{chosen}\n\
         validation: RMSE on its {valid_count} values\n\
         MAE, RMSE: errors in the unit of {name} on {count} test values, {from} to {to}; means over the seeds, then the RMSE of each\n\
         of naive: RMSE of all seeds, over that of the last value\n\
         +{horizon}: forecast {steps} after the last row, {end}; mean over the seeds"
    );
    if let Some(season) = cut.plan.season {
        let _ = writeln!(text, "{SEASONAL}: the value at the same place of the last season, of {season} steps");
    }
    let filled = column.measured.iter().filter(|measured| !**measured).count();
    if filled > 0 {
        let never = "none of them is a target or the end of a window";
        let _ = writeln!(text, "{filled} missing values were filled on straight lines; {never}");
    }
    column.notes.iter().for_each(|note| text.extend([note, "\n"]));
    text.push('\n');
    text += &verdict::sentences(outcomes, &verdicts, cut);
    let best = (0..outcomes.len()).min_by(|&a, &b| outcomes[a].validation().total_cmp(&outcomes[b].validation()));
    let best = best.expect("naive at least");
    let then = match best {
        0 => String::new(),
        _ => format!(", whose RMSE on the test part is {:.2} of naive's", ratios[best]),
    };
    let _ = writeln!(text, "Least error on the validation part: {}{then}.", outcomes[best].model);
    text
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
fn table(rows: &[Vec<String>]) -> String {
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
    use crate::models::NETWORKS;
    use crate::statistics::tests::noise;
    use crate::tasks::tests::cut_freely;
    use unspool::data::Differences;
    use unspool::train::History;

    /// A network that learned these differences and whose outputs are `distance` from the targets.
    fn outcome(network: usize, lags: &[usize], cut: &Cut, distance: f32, val_loss: &[f64]) -> Outcome {
        let task = cut.tasks.iter().find(|task| task.differences.lags() == lags).unwrap();
        let mut forecasts = task.forecasts(&task.test.y().map(|y| y + distance));
        forecasts.push(0.0);
        let mut history = History::default();
        history.val_loss = val_loss.to_vec();
        let runs = vec![Run { history: Some(history), validation: val_loss[val_loss.len() - 1], forecasts }];
        Outcome { model: NETWORKS[network].0, parameters: 5, differences: Differences::new(lags), runs }
    }

    #[test]
    fn what_does_not_beat_naive_is_marked_and_explained() {
        // A trend, along which nothing repeats.
        let cut = cut_freely((0..100).map(|i| f64::from(10 * i + i * i * 37 % 11)).collect(), Some(4));
        let mut outcomes = cut.references().unwrap();
        outcomes.extend([
            outcome(0, &[], &cut, 9.0, &[9.0; 8]),
            outcome(1, &[], &cut, 8.0, &[9.0; 8]),
            outcome(2, &[1], &cut, 0.01, &[0.001; 8]),
            outcome(3, &[1], &cut, 7.0, &[9.0; 8]),
            outcome(4, &[1], &cut, 7.0, &[9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0]),
            outcome(5, &[1], &cut, 7.0, &[1e-9; 8]),
        ]);
        let text = table_and_remarks(&outcomes, &cut);
        assert_eq!(text.lines().filter(|line| line.contains(" * ")).count(), 6, "{text}");
        let better = |line: &str| line.starts_with("SimpleRNN(20)-(20)-(1)") && !line.contains('*');
        assert!(text.lines().any(better), "{text}");
        let remarks = "
* does not beat naive; why that may be:
  seasonal naive: the last season says no more than the last value
  Dense(1): 100 % of the values to forecast lie outside of those of the training part (differences follow a trend: --difference 1)
  SimpleRNN(1): tanh keeps outputs within a standard deviation of the mean, 100 % of the values to forecast lie beyond
  SimpleRNN(20)-(20), Dense(1): it found nothing in the training part that says more than the last value
  LSTM(20)-(20), Dense(1): its error on the validation part still fell when training ended: try more --epochs
  GRU(20)-(20), Dense(1): on the validation part it was: that was chance, or the test part is different
Least error on the validation part: GRU(20)-(20), Dense(1), whose RMSE on the test part is 3.01 of naive's.";
        assert!(text.contains(remarks) && text.contains("    32.17    32.17    3.01 *"), "{text}");
    }

    #[test]
    fn a_random_walk_is_called_one() {
        let noise = noise(300);
        let cut = cut_freely((0..300).map(|i| noise[..=i].iter().map(|step| step.signum()).sum()).collect(), None);
        let mut outcomes = cut.references().unwrap();
        outcomes.push(outcome(5, &[1], &cut, 1.5, &[9.0; 8]));
        let text = table_and_remarks(&outcomes, &cut);
        let remark = "No forecast is better than the last value beyond chance.\nThe steps of its training part are like those of a";
        assert!(text.contains(remark), "{text}");
        assert!(text.ends_with("Least error on the validation part: naive: the last value.\n"), "{text}");
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 15.638, -371.52, 0.012346, 123456.7, 1.5e12, 1e-7].map(short);
        assert_eq!(shown, ["0.000", "15.64", "-371.5", "0.01235", "123457", "1.500e12", "1.000e-7"]);
        assert_eq!(with_digits_of(0.7, 1e9 + 0.25), "1000000000.2500");
    }
}
