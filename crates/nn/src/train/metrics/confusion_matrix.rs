//! Which classes are taken for which.

use super::f1_of;
use super::multiclass::{check_classes, highest};
#[cfg(feature = "serde")]
use crate::data::DataError;
use std::fmt;
use unspool_autograd::{Indices, Scalar, Tensor};

/// How many rows of each class are predicted to be of each class: the class with the highest score.
///
/// As scikit-learn's `confusion_matrix`: a row for each actual class, a column for each predicted
/// one. Printed, it is a table.
///
/// ```
/// use unspool::Tensor;
/// use unspool::train::metrics::ConfusionMatrix;
/// let scores = Tensor::<f32>::one_hot([0, 0, 1, 0], 2); // what `predict` returns
/// let confusion = ConfusionMatrix::new(&scores, [0, 0, 1, 1]).labels(["cat", "dog"]);
/// assert_eq!(confusion.count(1, 0), 1); // one dog is taken for a cat
/// assert_eq!(confusion.accuracy(), 0.75);
/// assert_eq!(
///     confusion.to_string(),
///     "        predicted\n\
///      actual  cat  dog\n\
///      cat       2    0\n\
///      dog       1    1"
/// );
/// ```
///
/// In a metric of [`fit`](crate::train::fit()):
///
/// ```
/// use unspool::prelude::*;
/// use unspool::train::metrics::ConfusionMatrix;
/// let data = Dataset::classes(Tensor::<f32>::zeros([4, 3]), [0, 0, 0, 1])?;
/// let model = sequential().add(dense(3, 2)); // predicts class 0
/// let macro_f1 = evaluate(&model, &data, |output, classes| {
///     let confusion = ConfusionMatrix::new(&output.value(), classes);
///     output.tape().constant(&Tensor::scalar(confusion.macro_f1() as f32))
/// });
/// assert!((macro_f1 - (6.0 / 7.0 + 0.0) / 2.0).abs() < 1e-6);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
///
/// With the feature `serde`, it is saved and read in any of its formats.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(try_from = "SavedConfusionMatrix"))]
pub struct ConfusionMatrix {
    /// A row for each actual class.
    counts: Vec<Vec<usize>>,
    labels: Vec<String>,
}

impl ConfusionMatrix {
    /// Counts rows by their class and the one with the highest of their scores. `scores` are
    /// `[.., C]`, class indices have one axis less.
    ///
    /// # Panics
    /// If the shapes differ from these, a class is not less than `C`, or a score is NaN.
    #[track_caller]
    pub fn new<T: Scalar>(scores: &Tensor<T>, classes: impl Into<Indices>) -> Self {
        let (actual, shape) = (classes.into(), scores.shape());
        check_classes("ConfusionMatrix", shape, &actual);
        let Some(predicted) = highest(scores) else { fail!("ConfusionMatrix: a score is NaN") };
        let count = shape[shape.rank() - 1];
        let mut counts = vec![vec![0; count]; count];
        for (&actual, &predicted) in actual.as_slice().iter().zip(predicted.as_slice()) {
            counts[actual][predicted] += 1;
        }
        ConfusionMatrix { counts, labels: (0..count).map(|class| class.to_string()).collect() }
    }

    /// The same counts with names for the classes, which are printed instead of their numbers.
    ///
    /// # Panics
    /// If there is not one for each class.
    #[track_caller]
    pub fn labels(self, labels: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let labels: Vec<String> = labels.into_iter().map(Into::into).collect();
        let (given, classes) = (labels.len(), self.counts.len());
        ensure!(given == classes, "labels: {given} labels for {classes} classes: each needs one");
        ConfusionMatrix { labels, ..self }
    }

    /// The number of rows of class `actual` that are predicted to be of class `predicted`.
    ///
    /// # Panics
    /// If either of them is not a class.
    #[track_caller]
    pub fn count(&self, actual: usize, predicted: usize) -> usize {
        let classes = self.counts.len();
        for class in [actual, predicted] {
            ensure!(class < classes, "count: class {class} is out of range for {classes} classes");
        }
        self.counts[actual][predicted]
    }

    /// The fraction of rows whose class is predicted; NaN if there are no rows.
    pub fn accuracy(&self) -> f64 {
        self.both().iter().sum::<usize>() as f64 / self.actual().iter().sum::<usize>() as f64
    }

    /// The fraction of the rows of each class whose class is predicted, which is the class's
    /// recall; NaN for a class without rows.
    pub fn per_class_accuracy(&self) -> Vec<f64> {
        self.both().into_iter().zip(self.actual()).map(|(both, actual)| both as f64 / actual as f64).collect()
    }

    /// The unweighted mean of the classes' F1 scores, as [`macro_f1`](super::macro_f1) computes it;
    /// NaN if there are no rows.
    pub fn macro_f1(&self) -> f64 {
        let predicted: Vec<usize> =
            (0..self.counts.len()).map(|class| self.counts.iter().map(|row| row[class]).sum()).collect();
        macro_f1_of(&self.both(), &predicted, &self.actual())
    }

    /// The number of rows of each class that are predicted right.
    fn both(&self) -> Vec<usize> {
        self.counts.iter().enumerate().map(|(class, row)| row[class]).collect()
    }

    /// The number of rows of each class.
    fn actual(&self) -> Vec<usize> {
        self.counts.iter().map(|row| row.iter().sum()).collect()
    }
}

/// The mean F1 of the classes that are predicted or true in some row, from the numbers of rows in
/// which each class is both, predicted, and true.
pub(super) fn macro_f1_of(both: &[usize], predicted: &[usize], actual: &[usize]) -> f64 {
    let known = (0..both.len()).filter(|&class| predicted[class] + actual[class] > 0);
    let scores: Vec<f64> =
        known.map(|class| f1_of(both[class] as f64, predicted[class] as f64, actual[class] as f64)).collect();
    scores.iter().sum::<f64>() / scores.len() as f64
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = |text: &str| text.chars().count();
        let first = self.labels.iter().map(|label| wide(label)).max().unwrap_or(0).max(wide("actual"));
        let column = |class: usize| {
            let counts = self.counts.iter().map(|row| wide(&row[class].to_string()));
            counts.max().unwrap_or(0).max(wide(&self.labels[class]))
        };
        let columns: Vec<usize> = (0..self.counts.len()).map(column).collect();
        write!(f, "{:<first$}  predicted\n{:<first$}", "", "actual")?;
        for (label, column) in self.labels.iter().zip(&columns) {
            write!(f, "  {label:>column$}")?;
        }
        for (label, row) in self.labels.iter().zip(&self.counts) {
            write!(f, "\n{label:<first$}")?;
            for (count, column) in row.iter().zip(&columns) {
                write!(f, "  {count:>column$}")?;
            }
        }
        Ok(())
    }
}

/// A matrix as `serde` reads it, which may be wrong.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "ConfusionMatrix")]
struct SavedConfusionMatrix {
    counts: Vec<Vec<usize>>,
    labels: Vec<String>,
}

#[cfg(feature = "serde")]
impl TryFrom<SavedConfusionMatrix> for ConfusionMatrix {
    type Error = DataError;
    fn try_from(SavedConfusionMatrix { counts, labels }: SavedConfusionMatrix) -> Result<Self, DataError> {
        let (classes, given) = (counts.len(), labels.len());
        if given != classes {
            return Err(DataError::new(format!("{given} labels for {classes} classes: each needs one")));
        }
        if let Some(class) = counts.iter().position(|row| row.len() != classes) {
            let length = counts[class].len();
            return Err(DataError::new(format!("the row of class {class} has length {length}, expected {classes}")));
        }
        // No tensor has more rows, and no sum of two sums overflows.
        let total = counts.iter().flatten().try_fold(0, |sum: usize, &count| sum.checked_add(count));
        if total.is_none_or(|total| isize::try_from(total).is_err()) {
            return Err(DataError::new("the counts are more than there can be rows"));
        }
        Ok(ConfusionMatrix { counts, labels })
    }
}
