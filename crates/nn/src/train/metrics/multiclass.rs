//! Metrics of classification into several classes.

use super::{constant, elements, f1_of};
use crate::losses::cross_entropy::cross_entropy;
use crate::losses::loss::same_shape;
use unspool_autograd::{Scalar, Var};

/// The fraction of rows in which output and target are highest at the same class: with one-hot
/// targets, how often the true class has the highest score.
///
/// ```
/// use unspool_nn::train::accuracy;
/// use unspool_autograd::{Tape, Tensor};
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
    let Some([predicted, right]) = classes("accuracy", output, target) else { return constant(output, f64::NAN) };
    let hits = predicted.iter().zip(&right).filter(|(predicted, right)| predicted == right).count();
    constant(output, hits as f64 / right.len() as f64)
}

/// The unweighted mean of the classes' F1 scores, `2 both / (predicted + actual)`, with the numbers
/// of rows in which the class has the highest output, the highest target, and both.
///
/// As scikit-learn's `f1_score(average="macro")`: a class that is neither predicted nor true in any
/// row is left out.
///
/// ```
/// use unspool_nn::train::metrics::macro_f1;
/// use unspool_autograd::{Tape, Tensor};
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
    let [mut both, mut predicted, mut actual] = [(); 3].map(|()| vec![0.0; count]);
    for (&one, &other) in predicted_rows.iter().zip(&actual_rows) {
        predicted[one] += 1.0;
        actual[other] += 1.0;
        both[one] += f64::from(u8::from(one == other));
    }
    let known = (0..count).filter(|&class| predicted[class] + actual[class] > 0.0);
    let scores: Vec<f64> = known.map(|class| f1_of(both[class], predicted[class], actual[class])).collect();
    constant(output, scores.iter().sum::<f64>() / scores.len() as f64)
}

/// The exponential of the [cross-entropy](cross_entropy()) over all rows: the number of equally
/// likely classes with the same cross-entropy. [`text::perplexity`](crate::text::perplexity) takes
/// a cross-entropy that is already known.
///
/// Jelinek et al. 1977.
///
/// ```
/// use unspool_nn::train::metrics::perplexity;
/// use unspool_autograd::{Tape, Tensor};
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
fn classes<T: Scalar>(metric: &str, output: Var<'_, T>, target: Var<'_, T>) -> Option<[Vec<usize>; 2]> {
    same_shape(metric, output, target);
    let rank = output.shape().rank();
    assert!(rank > 0, "{metric}: the output has no axis of classes");
    let is_known = |of| elements(of).iter().all(|x| !x.is_nan());
    (is_known(output) && is_known(target)).then(|| [output, target].map(|of| of.argmax(rank - 1).as_slice().to_vec()))
}
