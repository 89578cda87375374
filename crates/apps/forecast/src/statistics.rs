//! Means, medians and autocorrelations.

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(crate) fn mean_square(forecasts: &[f64], targets: &[f64]) -> f64 {
    mean(&forecasts.iter().zip(targets).map(|(f, t)| (f - t).powi(2)).collect::<Vec<_>>())
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { f64::NAN } else { (values[(n - 1) / 2] + values[n / 2]) / 2.0 }
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

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
    fn statistics_are_those_of_the_formulas() {
        assert_eq!(mean_square(&[1.0, 2.0], &[1.0, 5.0]), 4.5);
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0])), (2.0, 2.5));
        // NumPy: x = [1, 4, 2, 8, 5, 7] - 4.5; [(x[k:] * x[:6 - k]).sum() / (x * x).sum() for k in range(4)]
        let expected = [1.0, -0.07333333333333333, 0.38666666666666666, -0.5];
        for (r, expected) in autocorrelation(&[1., 4., 2., 8., 5., 7.], 3).into_iter().zip(expected) {
            assert!((r - expected).abs() < 1e-12, "{r} {expected}");
        }
    }
}
