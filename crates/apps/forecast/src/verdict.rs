//! Whether a forecast is better than naive, and why it may not be.

use crate::charts::range;
use crate::models::{Outcome, Task, numbers};
use crate::statistics::{autocorrelation, mean};
use crate::tasks::Cut;
use std::fmt::Write;

/// What marks the verdicts in the table.
pub(crate) const MARKS: [&str; 3] = ["  ", " ~", " *"];

/// What a forecast is, compared with the last value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    Better,
    /// Better, but not beyond chance.
    Chance,
    NotBetter,
}

/// Judges by the squared errors on the same values: those of the last value less the forecast's are
/// above 0 beyond chance, at a level of 5 % (Diebold and Mariano 1995). The errors of neighbors
/// that overlap over the horizon depend on each other: the variance takes that in, as Newey and
/// West do.
pub(crate) fn judge(naive: &[f64], forecast: &[f64], horizon: usize) -> Verdict {
    let n = naive.len() as f64;
    let gains: Vec<f64> = naive.iter().zip(forecast).map(|(naive, forecast)| naive - forecast).collect();
    let gain = mean(&gains);
    if gain <= 0.0 {
        return Verdict::NotBetter;
    }
    let around: Vec<f64> = gains.iter().map(|x| x - gain).collect();
    let covariance = |k: usize| around.iter().zip(&around[k..]).map(|(a, b)| a * b).sum::<f64>() / n;
    let lags = 1..horizon.min(naive.len());
    let variance = covariance(0) + lags.map(|k| 2.0 * (1.0 - k as f64 / horizon as f64) * covariance(k)).sum::<f64>();
    if n > 1.0 && gain > 1.645 * (variance / (n - 1.0)).sqrt() { Verdict::Better } else { Verdict::Chance }
}

/// What is to be said about the marks.
pub(crate) fn sentences(outcomes: &[Outcome], verdicts: &[Verdict], cut: &Cut) -> String {
    let mut text = String::new();
    if verdicts.contains(&Verdict::Chance) {
        text += "~ better than naive, but not beyond chance (test of Diebold and Mariano, 5 %)\n";
    }
    if verdicts[1..].contains(&Verdict::NotBetter) {
        text += "* does not beat naive; why that may be:\n";
    }
    for (outcome, _) in outcomes.iter().zip(verdicts).skip(1).filter(|(_, verdict)| **verdict == Verdict::NotBetter) {
        let _ = writeln!(text, "  {}: {}", outcome.model, why(outcome, &outcomes[0], cut));
    }
    if !verdicts.contains(&Verdict::Better) {
        text += "No forecast is better than the last value beyond chance.\n";
        text += &random_walk(cut).unwrap_or_default();
    }
    text
}

/// Why a forecast may be no better than the last value.
fn why(outcome: &Outcome, naive: &Outcome, cut: &Cut) -> String {
    if outcome.parameters == 0 {
        return "the last season says no more than the last value".to_string();
    }
    let task = cut.tasks.iter().find(|task| task.differences == outcome.differences);
    let Task { train, test, .. } = task.expect("what was learned was a task");
    let targets = numbers(test.y());
    let percent =
        |beyond: &dyn Fn(f64) -> bool| (100 * targets.iter().filter(|y| beyond(**y)).count()).div_ceil(targets.len());
    let (learned, remedy) = match outcome.differences.lags() {
        [] => ("values", " (differences follow a trend: --difference 1)"),
        _ => ("differences", ""),
    };
    let beyond_tanh = percent(&|y| y.abs() > 1.0);
    // Without a dense layer, the last layer is a SimpleRNN.
    if !outcome.model.contains("Dense") && beyond_tanh >= 10 {
        let limit = "tanh keeps outputs within a standard deviation of the mean";
        return format!("{limit}, {beyond_tanh} % of the {learned} to forecast lie beyond");
    }
    let range = range(numbers(train.y()).into_iter());
    let unseen = percent(&|y| y < range.start || y > range.end);
    if unseen >= 25 {
        return format!("{unseen} % of the {learned} to forecast lie outside of those of the training part{remedy}");
    }
    let falling = |losses: &[f64]| losses[losses.len() - 1] < 0.98 * losses[losses.len() * 3 / 4];
    if outcome.runs.iter().filter_map(|run| run.history.as_ref()).any(|history| falling(&history.val_loss)) {
        "its error on the validation part still fell when training ended: try more --epochs".to_string()
    } else if outcome.validation() < naive.validation() {
        "on the validation part it was: that was chance, or the test part is different".to_string()
    } else {
        "it found nothing in the training part that says more than the last value".to_string()
    }
}

/// A sentence if the training part looks like a random walk.
fn random_walk(cut: &Cut) -> Option<String> {
    let known = &cut.column.values[..cut.targets[1][0]];
    let steps: Vec<f64> = known.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let lags = cut.plan.window.min(steps.len() / 3);
    let bound = 3.0 / (steps.len() as f64).sqrt();
    let clear = autocorrelation(&steps, lags).into_iter().skip(1).any(|r| r.is_nan() || r.abs() > bound);
    let like = "The steps of its training part are like those of a random walk";
    let limit = format!("their autocorrelation up to lag {lags} is below {bound:.2}");
    (!clear).then(|| format!("{like} ({limit}),\nwhose best forecast is its last value.\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_is_what_chance_does_not_explain() {
        let naive = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let with = |gains: [f64; 6]| std::array::from_fn::<f64, 6, _>(|i| naive[i] - gains[i]);
        assert_eq!(judge(&naive, &naive, 1), Verdict::NotBetter);
        assert_eq!(judge(&naive, &with([-0.1; 6]), 1), Verdict::NotBetter);
        assert_eq!(judge(&naive, &with([0.1; 6]), 1), Verdict::Better);
        // A mean of 1/2, a variance of 1/3: t = 0.5 / sqrt(1/3 / 5) = 1.94. With half the autocovariance of lag 1 (1/6)
        // twice, the variance is 1/2: t = 1.58.
        let half = with([1.0, 1.0, 1.0, 0.5, -0.5, 0.0]);
        assert_eq!((judge(&naive, &half, 1), judge(&naive, &half, 2)), (Verdict::Better, Verdict::Chance));
        // A mean of 1/6, a standard error of 0.38.
        assert_eq!(judge(&naive, &with([1.0, -1.0, 1.0, -0.5, 1.0, -0.5]), 1), Verdict::Chance);
        assert_eq!(judge(&[1.0], &[0.5], 1), Verdict::Chance);
    }
}
