//! Losses over classes.

use crate::losses::loss::{same_shape, weighted};
use unspool_autograd::{Indices, Scalar, Tensor, Var};

/// The cross-entropy of scores (logits) `[.., C]` against probabilities of the `C` classes,
/// `-sum(target log_softmax(output))`, averaged over all rows. A class of probability 0 adds
/// nothing, even at a score of minus infinity (a masked class). [`CrossEntropy`] takes class
/// indices, too, and has options for padding, weights and smoothing; [`sparse_cross_entropy`] is
/// the loss of class indices without options.
///
/// ```
/// use unspool::losses::cross_entropy;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![0.0, 0.0, 1e4, -1e4], [2, 2]));
/// let target = tape.constant(&Tensor::one_hot([0, 0], 2));
/// assert!((cross_entropy(scores, target).item() - 2f32.ln() / 2.0).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the shapes differ, or have rank 0.
#[track_caller]
pub fn cross_entropy<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    CrossEntropy::default().probabilities(output, target)
}

/// The cross-entropy of scores (logits) `[.., C]` against class indices, which have one axis less:
/// `-log_softmax(output)[class]`, averaged over all rows. Keras's `SparseCategoricalCrossentropy`;
/// [`CrossEntropy::classes`] without options.
///
/// ```
/// use unspool::losses::sparse_cross_entropy;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![0.0, 0.0, 1e4, -1e4], [2, 2]));
/// assert!((sparse_cross_entropy(scores, [0, 0].into()).item() - 2f32.ln() / 2.0).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the shapes differ from these, or a class is not less than `C`.
#[track_caller]
pub fn sparse_cross_entropy<'t, T: Scalar>(output: Var<'t, T>, classes: Indices) -> Var<'t, T> {
    CrossEntropy::default().classes(output, classes)
}

/// The negative log-likelihood of class indices: `-output[class]`, averaged over all rows.
/// `output`, `[.., C]`, are log-probabilities; `classes` has one axis less.
///
/// ```
/// use unspool::losses::nll;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.variable(&Tensor::<f32>::from_vec(vec![0.0, 0.0, 1.0, -1.0], [2, 2]));
/// let loss = nll(scores.log_softmax(1), [1, 0]);
/// assert!((loss.item() - (2f32.ln() + (-2f32).exp().ln_1p()) / 2.0).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the shapes differ from these, or a class is not less than `C`.
#[track_caller]
pub fn nll<'t, T: Scalar>(output: Var<'t, T>, classes: impl Into<Indices>) -> Var<'t, T> {
    CrossEntropy::default().log_likelihood("nll", output, classes.into())
}

/// The Kullback-Leibler divergence of predicted from true probabilities,
/// `sum(target (ln target - output))`, averaged over all rows. `output`, `[.., C]`, are
/// log-probabilities, `target` probabilities. A target of 0 adds nothing, even at an output of
/// minus infinity.
///
/// Kullback and Leibler 1951, "On information and sufficiency".
///
/// ```
/// use unspool::losses::kl_div;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.variable(&Tensor::<f32>::from_vec(vec![0.0, 0.0], [1, 2]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 0.0], [1, 2]));
/// assert!((kl_div(scores.log_softmax(1), target).item() - 2f32.ln()).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the shapes differ, or have rank 0.
#[track_caller]
pub fn kl_div<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    same_shape("kl_div", output, target);
    let classes = class_axis("kl_div", output);
    let one = target.tape().constant(&Tensor::ones([]));
    let logarithm = target.where_(target, one).ln(); // a target of 0 becomes 1, whose logarithm is finite
    weighted(target, logarithm - output).sum_axes(&[classes]).mean()
}

/// The cross-entropy with options; [`cross_entropy`] is the plain one.
///
/// ```
/// use unspool::{CrossEntropy, Tape, Tensor};
/// const PADDING: usize = 0;
/// let tape = Tape::new();
/// let scores = tape.variable(&Tensor::<f32>::zeros([3, 4])); // three tokens, four words
/// let cross_entropy = CrossEntropy::default().ignore(PADDING).label_smoothing(0.1);
/// let loss = cross_entropy.classes(scores, [2, 1, PADDING]);
/// assert!((loss.item() - 4f32.ln()).abs() < 1e-6);
/// assert_eq!(loss.backward().wrt(scores).select(0, 2).to_vec(), [0.0; 4]); // the padding
/// ```
#[derive(Clone, Debug)]
pub struct CrossEntropy<T: Scalar = f32> {
    ignored: Option<usize>,
    smoothing: f64,
    weights: Option<Tensor<T>>,
}

impl<T: Scalar> Default for CrossEntropy<T> {
    /// Without options.
    fn default() -> Self {
        CrossEntropy { ignored: None, smoothing: 0.0, weights: None }
    }
}

impl<T: Scalar> CrossEntropy<T> {
    /// Ignores rows of this class: padding. It need not be one of the `C` classes. The mean is over
    /// all other rows; in [`fit`](crate::train::fit()), over those of each
    /// [shard](crate::train::Shards), whose losses are then weighted by its examples.
    pub fn ignore(self, class: usize) -> Self {
        CrossEntropy { ignored: Some(class), ..self }
    }

    /// Mixes the target with the uniform distribution, `(1 - smoothing) target + smoothing / C`.
    ///
    /// Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision", section 7.
    ///
    /// # Panics
    /// If `smoothing` is not between 0 and 1.
    #[track_caller]
    pub fn label_smoothing(self, smoothing: f64) -> Self {
        ensure!((0.0..=1.0).contains(&smoothing), "label_smoothing: {smoothing} is not between 0 and 1");
        CrossEntropy { smoothing, ..self }
    }

    /// Multiplies the terms of each class by its weight, `[C]`. With class indices, the mean over
    /// rows is weighted by the weight of each row's class.
    pub fn weights(self, weights: &Tensor<T>) -> Self {
        CrossEntropy { weights: Some(weights.clone()), ..self }
    }

    /// The loss of scores `[.., C]` against class indices, which have one axis less. NaN if all
    /// rows are ignored.
    ///
    /// # Panics
    /// If the shapes differ from these, or a class is not less than `C`.
    #[track_caller]
    pub fn classes<'t>(&self, output: Var<'t, T>, classes: impl Into<Indices>) -> Var<'t, T> {
        let (axis, classes) = (class_axis("cross_entropy", output), classes.into());
        let output = self.without_ignored(output, &classes);
        self.log_likelihood("cross_entropy", output.log_softmax(axis), classes)
    }

    /// The loss of scores `[.., C]` against probabilities of the same shape, averaged over all
    /// rows.
    ///
    /// # Panics
    /// If the shapes differ, or have rank 0.
    #[track_caller]
    pub fn probabilities<'t>(&self, output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
        let (o, t) = (output.shape(), target.shape());
        if let [rows @ .., classes] = &o[..]
            && *classes > 1
            && (t[..] == *rows || t.split_last() == Some((&1, rows)))
        {
            fail!(
                "cross_entropy: output {o} and target {t} differ in shape: classes given by number are `Indices`, for sparse_cross_entropy"
            );
        }
        same_shape("cross_entropy", output, target);
        let axis = class_axis("cross_entropy", output);
        let mut target = target;
        if self.smoothing > 0.0 {
            target = target * (1.0 - self.smoothing) + self.smoothing / output.shape()[axis] as f64;
        }
        if let Some(weights) = self.class_weights("cross_entropy", output) {
            target = target * weights;
        }
        -weighted(target, output.log_softmax(axis)).sum_axes(&[axis]).mean()
    }

    /// The scores with zeros in the ignored rows: whatever they hold, even NaN, reaches neither
    /// loss nor gradient.
    fn without_ignored<'t>(&self, output: Var<'t, T>, classes: &Indices) -> Var<'t, T> {
        let Some(ignored) = self.ignored.filter(|ignored| classes.as_slice().contains(ignored)) else { return output };
        let rows = output.shape().remove(output.shape().rank() - 1);
        if classes.shape() != rows {
            return output; // `log_likelihood` reports it
        }
        let valid = classes.as_slice().iter().map(|&class| if class == ignored { T::ZERO } else { T::ONE });
        let valid = output.tape().constant(&Tensor::from_vec(valid.collect(), rows.insert(rows.rank(), 1)));
        valid.where_(output, valid.new_zeros([]))
    }

    /// The loss of log-probabilities `[.., C]` against class indices.
    #[track_caller]
    fn log_likelihood<'t>(&self, name: &str, output: Var<'t, T>, classes: Indices) -> Var<'t, T> {
        let (axis, shape, given) = (class_axis(name, output), output.shape(), classes.shape());
        let expected = shape.remove(axis);
        ensure!(given == expected, "{name}: classes {given} do not fit scores {shape}, they must be {expected}");
        let classes = classes.as_slice();
        let valid = |class: usize| Some(class) != self.ignored;
        if let Some(bad) = classes.iter().find(|&&class| valid(class) && class >= shape[axis]) {
            fail!("{name}: class {bad} is out of range for {} classes", shape[axis]);
        }
        let weights = self.class_weights(name, output);
        let table = weights.map(|w| w.value().to_vec());
        let weight_of = |class: usize| table.as_ref().map_or(T::ONE, |table| table[class]);
        let per_row = |value: &dyn Fn(usize) -> T| {
            let values = classes.iter().map(|&class| if valid(class) { value(class) } else { T::ZERO });
            output.tape().constant(&Tensor::from_vec(values.collect(), expected))
        };
        let row_weights = per_row(&weight_of);

        // Ignored rows read class 0 instead, and `where_` drops what they read.
        let read = classes.iter().map(|&class| if valid(class) { class } else { 0 }).collect();
        let chosen = output.gather(axis, Indices::from_vec(read, expected.insert(axis, 1))).squeeze(axis);
        let valid = per_row(&|_| T::ONE);
        let zero = valid.new_zeros([]);
        let sum = valid.where_(weighted(row_weights, chosen), zero).sum() * (1.0 - self.smoothing);
        let sum = if self.smoothing > 0.0 {
            let weighted = weights.map_or(output, |w| weighted(w, output));
            let others = valid.where_(weighted.sum_axes(&[axis]), zero);
            sum + others.sum() * (self.smoothing / shape[axis] as f64)
        } else {
            sum
        };
        -sum / row_weights.sum()
    }

    #[track_caller]
    fn class_weights<'t>(&self, name: &str, output: Var<'t, T>) -> Option<Var<'t, T>> {
        let weights = self.weights.as_ref()?;
        let classes = output.shape()[output.shape().rank() - 1];
        let given = weights.shape();
        ensure!(given[..] == [classes], "{name}: the weights must be [{classes}], one for each class, not {given}");
        Some(output.tape().constant(weights))
    }
}

/// The axis of classes: the last.
#[track_caller]
fn class_axis<T: Scalar>(name: &str, output: Var<'_, T>) -> usize {
    let rank = output.shape().rank();
    ensure!(rank > 0, "{name}: scores of rank 0 have no class axis");
    let shape = output.shape();
    ensure!(shape[rank - 1] > 0, "{name}: scores {shape} have no classes");
    rank - 1
}
