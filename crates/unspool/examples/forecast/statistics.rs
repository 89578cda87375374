//! Means, medians and errors.

pub(crate) fn mean_square(forecasts: &[f64], targets: &[f64]) -> f64 {
    mean(&forecasts.iter().zip(targets).map(|(f, t)| (f - t).powi(2)).collect::<Vec<_>>())
}

pub(crate) fn mean_distance(forecasts: &[f64], targets: &[f64]) -> f64 {
    mean(&forecasts.iter().zip(targets).map(|(f, t)| (f - t).abs()).collect::<Vec<_>>())
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { f64::NAN } else { (values[(n - 1) / 2] + values[n / 2]) / 2.0 }
}
