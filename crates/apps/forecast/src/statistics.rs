//! Means, medians, autocorrelations and seasons.

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(crate) fn mean_square(forecasts: &[f64], targets: &[f64]) -> f64 {
    mean(&forecasts.iter().zip(targets).map(|(f, t)| (f - t).powi(2)).collect::<Vec<_>>())
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}

/// The autocorrelation of lags 0 to `lags`: `sum (x[t] - m) (x[t - k] - m) / sum (x[t] - m)^2`, as
/// `acf` of R and of statsmodels has it.
pub(crate) fn autocorrelation(values: &[f64], lags: usize) -> Vec<f64> {
    let mean = mean(values);
    let x: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let product = |k: usize| x.iter().zip(x.iter().skip(k)).map(|(a, b)| a * b).sum::<f64>();
    let square = product(0);
    (0..=lags).map(|k| product(k) / square).collect()
}

/// A season must show in the autocorrelation at least this clearly: random walks reach it once in a
/// hundred times.
const CLEAR: f64 = 0.3;
/// The longest season that is looked for.
const LONGEST: usize = 1000;

/// The lag of the highest peak of the autocorrelation around a straight line, if it is a clear one:
/// of those after the correlation of neighbors has died away (the autocorrelation was negative),
/// up to a third of the series.
pub(crate) fn find_season(values: &[f64]) -> Option<usize> {
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
pub(crate) mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Numbers without pattern, from -1 to 1.
    pub(crate) fn noise(n: usize) -> Vec<f64> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1u32 << 23) - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn autocorrelations_are_those_of_the_formula() {
        // NumPy: x = [1, 4, 2, 8, 5, 7] - 4.5; [(x[k:] * x[:6 - k]).sum() / (x * x).sum() for k in range(4)]
        let expected = [1.0, -0.07333333333333333, 0.38666666666666666, -0.5];
        for (r, expected) in autocorrelation(&[1., 4., 2., 8., 5., 7.], 3).into_iter().zip(expected) {
            assert!((r - expected).abs() < 1e-12, "{r} {expected}");
        }
    }

    #[test]
    fn a_season_is_found_whatever_the_trend_and_none_where_nothing_repeats() {
        let noise = noise(400);
        for season in [2, 7, 12, 52] {
            for trend in [0.0, 0.3, -10.0] {
                let value = |i: usize| (i as f64 * TAU / season as f64).cos() + trend * i as f64 + 0.3 * noise[i];
                assert_eq!(find_season(&(0..400).map(value).collect::<Vec<_>>()), Some(season), "trend {trend}");
            }
        }
        assert_eq!(find_season(&noise), None);
        assert_eq!(find_season(&(0..400).map(|i| noise[..=i].iter().sum()).collect::<Vec<_>>()), None); // a walk
        for power in [1, 2] {
            assert_eq!(find_season(&(0..400).map(|i| f64::from(i).powi(power)).collect::<Vec<_>>()), None);
        }
        for few in 0..6 {
            assert_eq!(find_season(&vec![1.0; few]), None);
        }
    }
}
