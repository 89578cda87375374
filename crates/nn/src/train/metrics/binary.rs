//! Metrics of binary labels, one per row or several.

use super::{constant, elements, f1_of, ratio};
use crate::losses::loss::same_shape;
use unspool_autograd::{Scalar, Var};

/// The fraction of labels, over all elements, that are predicted correctly: the score is greater
/// than 0 where the target is 1, and at most 0 where it is 0.
///
/// ```
/// use unspool::train::metrics::binary_accuracy;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![2.0, -1.0, 0.5, -3.0], [4, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 1.0, 1.0, 0.0], [4, 1]));
/// assert_eq!(binary_accuracy(scores, target).item(), 0.75);
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn binary_accuracy<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    let labels = labels("binary_accuracy", output, target);
    of_labels(output, labels, |labels| {
        let correct = labels.iter().filter(|[predicted, actual]| predicted == actual).count();
        correct as f64 / labels.len() as f64
    })
}

/// The fraction of rows in which all labels are predicted correctly.
///
/// ```
/// use unspool::train::metrics::exact_match;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![2.0, -1.0, 0.5, -3.0], [2, 2]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 1.0, 1.0, 0.0], [2, 2]));
/// assert_eq!(exact_match(scores, target).item(), 0.5);
/// ```
///
/// # Panics
/// If the shapes differ, or have rank 0.
#[track_caller]
pub fn exact_match<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    let labels = labels("exact_match", output, target);
    let shape = output.shape();
    let Some(&width) = shape.last() else { fail!("exact_match: the output has no axis of labels") };
    of_labels(output, labels, |labels| {
        let rows = labels.chunks(width);
        let correct = rows.clone().filter(|row| row.iter().all(|[predicted, actual]| predicted == actual)).count();
        correct as f64 / rows.len() as f64
    })
}

/// The fraction of predicted labels, over all elements, that are true; 0 if none is predicted.
///
/// ```
/// use unspool::train::metrics::precision;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![2.0, 1.0, 0.5, -3.0], [4, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 0.0, 0.0, 1.0], [4, 1]));
/// assert!((precision(scores, target).item() - 1.0 / 3.0).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn precision<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    let labels = labels("precision", output, target);
    of_labels(output, labels, |labels| {
        let [both, predicted, _] = counts(labels);
        ratio(both, predicted)
    })
}

/// The fraction of true labels, over all elements, that are predicted; 0 if none is true.
///
/// ```
/// use unspool::train::metrics::recall;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![2.0, 1.0, 0.5, -3.0], [4, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 0.0, 0.0, 1.0], [4, 1]));
/// assert_eq!(recall(scores, target).item(), 0.5);
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn recall<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    let labels = labels("recall", output, target);
    of_labels(output, labels, |labels| {
        let [both, _, actual] = counts(labels);
        ratio(both, actual)
    })
}

/// `2 both / (predicted + actual)`, with the numbers of labels, over all elements, that are
/// predicted, true, and both: the harmonic mean of [`precision`] and [`recall`]. 0 if none is
/// predicted or true.
///
/// van Rijsbergen 1979, "Information retrieval".
///
/// ```
/// use unspool::train::metrics::f1;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![2.0, 1.0, 0.5, -3.0], [4, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 0.0, 0.0, 1.0], [4, 1]));
/// assert!((f1(scores, target).item() - 2.0 / 5.0).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn f1<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    let labels = labels("f1", output, target);
    of_labels(output, labels, |labels| {
        let [both, predicted, actual] = counts(labels);
        f1_of(both, predicted, actual)
    })
}

/// Whether each label is predicted, and whether it is true; `None` if a number is NaN.
#[track_caller]
fn labels<T: Scalar>(metric: &str, output: Var<'_, T>, target: Var<'_, T>) -> Option<Vec<[bool; 2]>> {
    same_shape(metric, output, target);
    let pairs = elements(output).into_iter().zip(elements(target));
    pairs.map(|(o, t)| (!o.is_nan() && !t.is_nan()).then_some([o > 0.0, t > 0.5])).collect()
}

/// A function of the labels; NaN if they are unknown.
fn of_labels<'t, T: Scalar>(
    output: Var<'t, T>,
    labels: Option<Vec<[bool; 2]>>,
    f: impl Fn(&[[bool; 2]]) -> f64,
) -> Var<'t, T> {
    constant(output, labels.map_or(f64::NAN, |labels| f(&labels)))
}

/// The numbers of labels that are predicted and true, predicted, and true.
fn counts(labels: &[[bool; 2]]) -> [f64; 3] {
    let count = |is: fn(&[bool; 2]) -> bool| labels.iter().filter(|label| is(label)).count() as f64;
    [
        count(|[predicted, actual]| *predicted && *actual),
        count(|[predicted, _]| *predicted),
        count(|[_, actual]| *actual),
    ]
}
