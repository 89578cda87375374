//! Metrics: functions that are measured and not trained on.
//!
//! A metric is a function of output and target, as a [loss](crate::losses::Loss) is.
//! [`Fit::metric`](crate::train::Fit::metric) and [`evaluate`](crate::train::evaluate()) call it
//! once, with all outputs and all targets of a data set, so it need not be a mean: any closure is a
//! metric, and `|output, target| mse(output, target).sqrt()` is the root of the mean over all
//! examples.
//!
//! | metric | output and target | value | same as |
//! |---|---|---|---|
//! | [`mse`](crate::losses::mse), [`mae`](crate::losses::mae) | numbers | mean squared and absolute error | |
//! | [`rmse`] | numbers | root of the mean squared error | Keras's `RootMeanSquaredError` |
//! | [`r2`] | numbers | coefficient of determination | scikit-learn's `r2_score` |
//! | [`accuracy`] | scores of classes, one-hot | fraction of correct predictions | Keras's `CategoricalAccuracy` |
//! | [`sparse_accuracy`] | scores of classes, class indices | fraction of correct predictions | Keras's `SparseCategoricalAccuracy` |
//! | [`macro_f1`] | scores of classes, one-hot | mean of the classes' F1 | scikit-learn's `f1_score(average="macro")` |
//! | [`perplexity`] | scores of classes, probabilities | `exp` of the cross-entropy | TorchMetrics's `Perplexity` |
//! | [`binary_accuracy`] | scores of labels, 0 or 1 | fraction of correct labels | Keras's `BinaryAccuracy` |
//! | [`exact_match`] | scores of labels, 0 or 1 | fraction of rows with all labels correct | scikit-learn's `accuracy_score` |
//! | [`precision`], [`recall`], [`f1`] | scores of labels, 0 or 1 | | scikit-learn's, `average="micro"` |
//!
//! Scores are logits, before the softmax or the sigmoid: a label is predicted where its score is
//! greater than 0, that is where its probability is greater than one half. Subtract another
//! threshold: `|output, target| f1(output - 0.3, target)`. Metrics that count have the gradient
//! zero. [`ConfusionMatrix`] counts which classes are taken for which.
//!
//! ```
//! use unspool::prelude::*;
//! use unspool::train::metrics::{r2, rmse};
//! let x = Tensor::<f32>::from_fn([600, 2], |i| (i as f32).sin());
//! let data = Dataset::new(x.clone(), Tensor::from_fn([600, 1], |i| x.at([i, 0]) + 2.0))?;
//! let mut model = sequential().add(dense(2, 1));
//! let history = fit(&mut model, &data).loss(mse).metric("rmse", rmse).metric("r2", r2).epochs(2).quiet().run()?;
//! assert_eq!(history.curve("rmse").unwrap()[1], evaluate(&model, &data, rmse));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod binary;
mod confusion_matrix;
mod multiclass;
mod regression;

pub use binary::{binary_accuracy, exact_match, f1, precision, recall};
pub use confusion_matrix::ConfusionMatrix;
pub use multiclass::{accuracy, macro_f1, perplexity, sparse_accuracy};
pub use regression::{r2, rmse};

use unspool_autograd::{Scalar, Tensor, Var};

/// A constant on the tape of `of`.
fn constant<'t, T: Scalar>(of: Var<'t, T>, number: f64) -> Var<'t, T> {
    of.tape().constant(&Tensor::scalar(T::from_f64(number)))
}

/// The elements as `f64`.
fn elements<T: Scalar>(of: Var<'_, T>) -> Vec<f64> {
    of.value().to_vec().into_iter().map(T::to_f64).collect()
}

/// `2 both / (predicted + actual)`, the harmonic mean of precision and recall; 0 if both counts are
/// 0.
fn f1_of(both: f64, predicted: f64, actual: f64) -> f64 {
    ratio(2.0 * both, predicted + actual)
}

/// `count / total`; 0 if the total is 0.
fn ratio(count: f64, total: f64) -> f64 {
    if total == 0.0 { 0.0 } else { count / total }
}
