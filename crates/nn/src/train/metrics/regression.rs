//! Metrics of regression.

use super::{constant, elements};
use crate::losses::loss::same_shape;
use unspool_autograd::{Scalar, Var};

/// The root mean squared error, `sqrt(mean((output - target)²))` over all elements, in the unit of
/// the targets.
///
/// ```
/// use unspool::train::metrics::rmse;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let output = tape.constant(&Tensor::from_vec(vec![1.0, 2.0], [2, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 2.0 + 8f32.sqrt()], [2, 1]));
/// assert!((rmse(output, target).item() - 2.0).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn rmse<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    same_shape("rmse", output, target);
    // Not the root of `mse`, whose squares overflow long before the norm does.
    (output - target).norm() / (output.shape().numel() as f64).sqrt()
}

/// The coefficient of determination, `1 - sum((target - output)²) / sum((target - mean(target))²)`:
/// the fraction of the targets' variance that is explained. 1 is perfect, 0 is no better than the
/// mean. Computed for each feature (index of the last axis) and averaged over features.
///
/// As scikit-learn's `r2_score` and Keras's `R2Score`. If all targets are equal, it is 1 if the
/// outputs equal them and 0 otherwise, as in scikit-learn.
///
/// ```
/// use unspool::train::metrics::r2;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let output = tape.constant(&Tensor::<f32>::from_vec(vec![2.5, 0.0, 2.0, 8.0], [4, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![3.0, -0.5, 2.0, 7.0], [4, 1]));
/// assert!((r2(output, target).item() - 0.94860816).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the shapes differ, or have rank 0.
#[track_caller]
pub fn r2<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    same_shape("r2", output, target);
    let shape = output.shape();
    let Some(&features) = shape.last() else { fail!("r2: the output has no axis of features") };
    let (predicted, right) = (elements(output), elements(target));
    let score = |feature: usize| {
        let column = |of: &[f64]| of.iter().copied().skip(feature).step_by(features).collect::<Vec<_>>();
        let (predicted, right) = (column(&predicted), column(&right));
        let mean = right.iter().sum::<f64>() / right.len() as f64;
        let residual: f64 = predicted.iter().zip(&right).map(|(predicted, right)| (right - predicted).powi(2)).sum();
        let total: f64 = right.iter().map(|right| (right - mean).powi(2)).sum();
        // Not `total == 0`: the mean of equal numbers may round to another number.
        let is_constant = right.iter().all(|x| *x == right[0]);
        match (residual == 0.0, is_constant) {
            (true, _) => 1.0,
            (false, true) if residual > 0.0 => 0.0,
            _ => 1.0 - residual / total, // NaN stays
        }
    };
    constant(output, (0..features).map(score).sum::<f64>() / features as f64)
}
