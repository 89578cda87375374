//! Metrics of classification into several classes.

use super::confusion_matrix::macro_f1_of;
use super::constant;
use crate::losses::cross_entropy::cross_entropy;
use crate::losses::loss::same_shape;
use unspool_autograd::{Indices, Scalar, Shape, Tensor, Var};

/// The fraction of rows in which output and target are highest at the same class: with one-hot
/// targets, how often the true class has the highest score.
///
/// ```
/// use unspool::train::accuracy;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![0.1, 0.7, 3.0, -2.0], [2, 2]));
/// let target = tape.constant(&Tensor::one_hot([1, 1], 2));
/// assert_eq!(accuracy(scores, target).item(), 0.5);
/// ```
///
/// # Panics
/// If the shapes differ, or have rank 0.
#[track_caller]
pub fn accuracy<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    let Some([predicted, actual]) = classes("accuracy", output, target) else { return constant(output, f64::NAN) };
    constant(output, fraction_equal(predicted.as_slice(), actual.as_slice()))
}

/// The fraction of rows in which the true class has the highest score: [`accuracy`] of scores
/// `[.., C]` and class indices, which have one axis less. Keras's `SparseCategoricalAccuracy`.
///
/// ```
/// use unspool::train::metrics::sparse_accuracy;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![0.1, 0.7, 3.0, -2.0], [2, 2]));
/// assert_eq!(sparse_accuracy(scores, [1, 1].into()).item(), 0.5);
/// ```
///
/// # Panics
/// If the shapes differ from these, or a class is not less than `C`.
#[track_caller]
pub fn sparse_accuracy<'t, T: Scalar>(output: Var<'t, T>, classes: Indices) -> Var<'t, T> {
    check_classes("sparse_accuracy", output.shape(), &classes);
    let accuracy = highest(&output.value()).map(|predicted| fraction_equal(predicted.as_slice(), classes.as_slice()));
    constant(output, accuracy.unwrap_or(f64::NAN))
}

/// The unweighted mean of the classes' F1 scores, `2 both / (predicted + actual)`, with the numbers
/// of rows in which the class has the highest output, the highest target, and both.
///
/// As scikit-learn's `f1_score(average="macro")`: a class that is neither predicted nor true in any
/// row is left out.
///
/// ```
/// use unspool::train::metrics::macro_f1;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::one_hot([0, 0, 0, 1], 3));
/// let target = tape.constant(&Tensor::one_hot([0, 0, 1, 1], 3));
/// assert!((macro_f1(scores, target).item() - (4.0 / 5.0 + 2.0 / 3.0) / 2.0).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the shapes differ, or have rank 0.
#[track_caller]
pub fn macro_f1<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    let Some([predicted_rows, actual_rows]) = classes("macro_f1", output, target) else {
        return constant(output, f64::NAN);
    };
    let count = *output.shape().last().unwrap_or(&0);
    let [mut both, mut predicted, mut actual] = [(); 3].map(|()| vec![0; count]);
    for (&one, &other) in predicted_rows.as_slice().iter().zip(actual_rows.as_slice()) {
        predicted[one] += 1;
        actual[other] += 1;
        both[one] += usize::from(one == other);
    }
    constant(output, macro_f1_of(&both, &predicted, &actual))
}

/// The exponential of the [cross-entropy](cross_entropy()) over all rows: the number of equally
/// likely classes with the same cross-entropy. [`text::perplexity`](crate::text::perplexity) takes
/// a cross-entropy that is already known.
///
/// Jelinek et al. 1977.
///
/// ```
/// use unspool::train::metrics::perplexity;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::zeros([3, 65])); // uniform over 65 characters
/// let target = tape.constant(&Tensor::one_hot([4, 0, 64], 65));
/// assert!((perplexity(scores, target).item() - 65.0).abs() < 1e-3);
/// ```
///
/// # Panics
/// If the shapes differ, or have rank 0.
#[track_caller]
pub fn perplexity<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    cross_entropy(output, target).exp()
}

/// The predicted and the true class of each row; `None` if a number is NaN.
#[track_caller]
fn classes<T: Scalar>(metric: &str, output: Var<'_, T>, target: Var<'_, T>) -> Option<[Indices; 2]> {
    same_shape(metric, output, target);
    ensure!(output.shape().rank() > 0, "{metric}: the output has no axis of classes");
    Some([highest(&output.value())?, highest(&target.value())?])
}

/// The class with the highest score of each row; `None` if a score is NaN.
pub(super) fn highest<T: Scalar>(scores: &Tensor<T>) -> Option<Indices> {
    let is_known = !scores.to_vec().into_iter().any(T::is_nan);
    is_known.then(|| scores.argmax(scores.rank() - 1))
}

fn fraction_equal(predicted: &[usize], actual: &[usize]) -> f64 {
    let hits = predicted.iter().zip(actual).filter(|(predicted, actual)| predicted == actual).count();
    hits as f64 / actual.len() as f64
}

/// Panics unless there is a class, less than `C`, for each row of the scores `[.., C]`.
#[track_caller]
pub(super) fn check_classes(name: &str, scores: Shape, classes: &Indices) {
    let rank = scores.rank();
    ensure!(rank > 0, "{name}: scores of rank 0 have no class axis");
    let (given, expected) = (classes.shape(), scores.remove(rank - 1));
    ensure!(given == expected, "{name}: classes {given} do not fit scores {scores}, they must be {expected}");
    let count = scores[rank - 1];
    if let Some(class) = classes.as_slice().iter().find(|&&class| class >= count) {
        fail!("{name}: class {class} is out of range for {count} classes");
    }
}
