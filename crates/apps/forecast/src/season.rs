//! Whether a series repeats itself, and after how many steps.

use crate::statistics::{autocorrelation, mean};

/// A season must show in the autocorrelation at least this clearly: random walks reach it once in a
/// hundred times.
const CLEAR: f64 = 0.3;
/// The longest season that is looked for.
const LONGEST: usize = 1000;

/// The lag of the highest peak of the autocorrelation around a straight line, if it is a clear one:
/// of those after the correlation of neighbors has died away (the autocorrelation was negative),
/// up to a third of the series.
pub(crate) fn find(values: &[f64]) -> Option<usize> {
    let around = around_a_line(values);
    // A straight line leaves its rounding errors.
    let largest = |values: &[f64]| values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    if largest(&around) <= 1e-10 * largest(values) {
        return None;
    }
    let correlation = autocorrelation(&around, (values.len() / 3).min(LONGEST));
    let first = correlation.iter().position(|&r| r < 0.0)?.max(2);
    let inner = first..correlation.len().saturating_sub(1);
    let peaks = inner.filter(|&k| correlation[k] >= correlation[k - 1] && correlation[k] >= correlation[k + 1]);
    let highest = peaks.max_by(|&a, &b| correlation[a].total_cmp(&correlation[b]).then(b.cmp(&a)))?;
    (correlation[highest] > CLEAR).then_some(highest)
}

/// What is left of values when their least-squares line is taken away.
fn around_a_line(values: &[f64]) -> Vec<f64> {
    let (middle, mean) = ((values.len() as f64 - 1.0) / 2.0, mean(values));
    let places = || (0..values.len()).map(|i| i as f64 - middle);
    let slope = places().zip(values).map(|(t, x)| t * (x - mean)).sum::<f64>() / places().map(|t| t * t).sum::<f64>();
    places().zip(values).map(|(t, x)| x - mean - slope * t).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::tests::noise;
    use std::f64::consts::TAU;

    #[test]
    fn a_season_is_found_whatever_the_trend_and_none_where_nothing_repeats() {
        let noise = noise(400);
        for season in [2, 7, 12, 52] {
            for trend in [0.0, 0.3, -10.0] {
                let value = |i: usize| (i as f64 * TAU / season as f64).cos() + trend * i as f64 + 0.3 * noise[i];
                assert_eq!(find(&(0..400).map(value).collect::<Vec<_>>()), Some(season), "trend {trend}");
            }
        }
        assert_eq!(find(&noise), None);
        let walk: Vec<f64> = (0..400).map(|i| noise[..=i].iter().sum()).collect();
        assert_eq!(find(&walk), None);
        for power in [1, 2] {
            assert_eq!(find(&(0..400).map(|i| f64::from(i).powi(power)).collect::<Vec<_>>()), None);
        }
        for few in 0..6 {
            assert_eq!(find(&vec![1.0; few]), None);
        }
    }
}
