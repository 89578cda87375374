//! A data set: inputs, targets, and optional weights and lengths.

use crate::data::error::DataError;
use crate::data::examples::Examples;
use crate::messages::BATCH_FIRST;
use crate::train::world::agreement::Hash;
use std::borrow::Cow;
use std::fmt;
use unspool_autograd::{Indices, Tensor};

/// Inputs and their targets, optionally with a weight for each example and the length of each
/// sequence.
///
/// Both are tensors, [`Indices`] (tokens, classes), or pairs of these. The last axis of a tensor is
/// features, and the one before it is examples: inputs are `[N, F]` or sequences `[T, N, F]`,
/// targets `[N, O]` or `[T, N, O]`. Indices have no axis of features: `[N]` or `[T, N]`.
///
/// ```
/// use unspool::{Dataset, Tensor};
/// let data = Dataset::new(Tensor::<f32>::zeros([50, 7000, 1]), Tensor::<f32>::zeros([7000, 1]))?;
/// assert_eq!(data.len(), 7000);
/// let wrong = Dataset::new(Tensor::<f32>::zeros([50, 7000, 1]), Tensor::<f32>::zeros([6999, 1]));
/// assert_eq!(
///     wrong.unwrap_err().to_string(),
///     "inputs [50, 7000, 1] hold 7000 examples, targets [6999, 1] hold 6999: these must be the same"
/// );
/// # Ok::<(), unspool::data::DataError>(())
/// ```
#[derive(Clone)]
pub struct Dataset<X = Tensor, Y = X> {
    x: X,
    y: Y,
    weights: Option<Vec<f64>>,
    lengths: Option<Vec<usize>>,
    /// Whether the targets are sequences that end where the inputs do.
    sequence_targets: bool,
}

/// Without the weights and lengths, of which there is one for each example.
impl<X: fmt::Debug, Y: fmt::Debug> fmt::Debug for Dataset<X, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("x", &self.x)
            .field("y", &self.y)
            .field("has_weights", &self.weights.is_some())
            .field("has_lengths", &self.lengths.is_some())
            .finish_non_exhaustive()
    }
}

impl<X: Examples, Y: Examples> Dataset<X, Y> {
    /// The examples with inputs `x` and targets `y`.
    ///
    /// # Errors
    /// If one has too few axes, or their numbers of examples differ.
    pub fn new(x: X, y: Y) -> Result<Self, DataError> {
        for (what, missing, is) in
            [("inputs", x.missing_axes(), x.describe()), ("targets", y.missing_axes(), y.describe())]
        {
            if let Some(missing) = missing {
                return Err(DataError::new(format!("{what} {is} must have {missing}")));
            }
        }
        let (xs, ys) = (x.describe(), y.describe());
        match (x.examples(), y.examples()) {
            (Some(n), Some(m)) if n == m => Ok(Dataset { x, y, weights: None, lengths: None, sequence_targets: false }),
            (Some(n), Some(m)) => {
                let cure = if x.time() == Some(m) { BATCH_FIRST } else { ": these must be the same" };
                Err(DataError::new(format!("inputs {xs} hold {n} examples, targets {ys} hold {m}{cure}")))
            }
            _ => {
                Err(DataError::new(format!("inputs {xs} and targets {ys}: both of a pair must hold the same examples")))
            }
        }
    }

    /// The same examples with a weight each: the loss of a batch is the sum of the weighted losses
    /// divided by the number of examples, as in Keras.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// let data = Dataset::new(Tensor::<f32>::zeros([2, 3]), Tensor::from_vec(vec![1.0, 2.0], [2, 1]))?;
    /// let model = sequential().add(dense(3, 1)); // predicts 0
    /// assert_eq!(evaluate(&model, &data, mse), (1.0 + 4.0) / 2.0);
    /// assert_eq!(evaluate(&model, &data.with_weights(vec![3.0, 0.5])?, mse), (3.0 * 1.0 + 0.5 * 4.0) / 2.0);
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    ///
    /// Since a loss may be any function, it is computed for each example separately, which costs
    /// more than without weights. The model costs the same.
    ///
    /// # Errors
    /// If the number of weights is not that of the examples, or one is negative or not finite.
    pub fn with_weights(self, weights: Vec<f64>) -> Result<Self, DataError> {
        self.check_count("weights", weights.len())?;
        match weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            Some(i) => Err(DataError::new(format!("weight {i} is {}: it must be finite and not negative", weights[i]))),
            None => Ok(Dataset { weights: Some(weights), ..self }),
        }
    }

    /// The same examples with input sequences of different lengths, as [`pad`](crate::data::pad)
    /// stacks them: the steps after the end of a sequence are padding. Targets that are sequences
    /// of as many steps, `[T, N, O]`, end where their inputs do, and each of their steps counts the
    /// same. Of a pair of inputs, the lengths are those of the first: targets do not end with it, for
    /// they may belong to the second. A loss can [ignore](crate::losses::CrossEntropy::ignore) their
    /// padding.
    ///
    /// ```
    /// use unspool::data::pad;
    /// use unspool::prelude::*;
    /// let sequences: Vec<Tensor> = (0..40).map(|i| Tensor::full(i as f32 / 40.0, [1 + i % 9, 2])).collect();
    /// let padded = pad(&sequences)?;
    /// let means = Tensor::from_fn([40, 1], |i| i as f32 / 40.0);
    /// let data = Dataset::new(padded.x, means)?.with_lengths(padded.lengths)?;
    ///
    /// let mut model = sequential().add(gru(2, 4)).add(dense(4, 1));
    /// fit(&mut model, &data).loss(mse).bucket_by_length().batch_size(8).quiet().run()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the inputs are not sequences, the number of lengths is not that of the examples, or one
    /// is 0 or more than `T`.
    pub fn with_lengths(self, lengths: Vec<usize>) -> Result<Self, DataError> {
        let Some(time) = self.x.time() else {
            let (is, expected) = (self.x.describe(), X::AXES[1]);
            return Err(DataError::new(format!("inputs {is} have no lengths: they must be {expected}")));
        };
        self.check_count("lengths", lengths.len())?;
        if let Some(i) = lengths.iter().position(|length| !(1..=time).contains(length)) {
            return Err(DataError::new(format!("length {i} is {}: it must be from 1 to {time}", lengths[i])));
        }
        let sequence_targets = !X::IS_PAIR && self.y.has_steps(time);
        Ok(Dataset { lengths: Some(lengths), sequence_targets, ..self })
    }

    fn check_count(&self, what: &str, given: usize) -> Result<(), DataError> {
        let n = self.len();
        if given == n {
            Ok(())
        } else {
            Err(DataError::new(format!("{given} {what} for {n} examples: each needs one")))
        }
    }

    /// The inputs.
    pub fn x(&self) -> &X {
        &self.x
    }

    /// The targets.
    pub fn y(&self) -> &Y {
        &self.y
    }

    /// The weights of the examples, if they have any.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// The lengths of the sequences, if they were given.
    pub fn lengths(&self) -> Option<&[usize]> {
        self.lengths.as_deref()
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        self.x.examples().expect("checked when the set was made")
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The examples at the given indices, in that order.
    ///
    /// # Panics
    /// If an index is not less than [`len`](Dataset::len).
    #[track_caller]
    pub fn select(&self, indices: &[usize]) -> Self {
        self.with(self.x.select(indices), self.y.select(indices), indices.iter().copied())
    }

    /// The examples `start..start + len`; tensors share memory with this data set.
    ///
    /// # Panics
    /// If they extend beyond the end.
    #[track_caller]
    pub fn slice(&self, start: usize, len: usize) -> Self {
        let range = start..start + len;
        self.with(self.x.slice(range.clone()), self.y.slice(range.clone()), range)
    }

    /// [`select`](Dataset::select) without the time steps that are padding in all of the examples.
    pub(crate) fn select_trimmed(&self, indices: &[usize]) -> Self {
        self.trimmed(indices.iter().copied()).select(indices)
    }

    /// [`slice`](Dataset::slice) without the time steps that are padding in all of the examples.
    pub(crate) fn slice_trimmed(&self, start: usize, len: usize) -> Self {
        self.trimmed(start..start + len).slice(start, len)
    }

    /// Without the time steps that are padding in all of the examples at `indices`.
    fn trimmed(&self, indices: impl Iterator<Item = usize>) -> Cow<'_, Self> {
        match self.lengths().and_then(|lengths| indices.map(|i| lengths[i]).max()) {
            Some(longest) if self.x.time() != Some(longest) => {
                let y = if self.sequence_targets { self.y.trimmed(longest) } else { self.y.clone() };
                Cow::Owned(Dataset { x: self.x.trimmed(longest), y, ..self.clone() })
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// Inputs and targets of the examples at `indices`, with their weights and lengths.
    fn with(&self, x: X, y: Y, indices: impl Iterator<Item = usize> + Clone) -> Self {
        Dataset {
            x,
            y,
            weights: self.weights().map(|weights| indices.clone().map(|i| weights[i]).collect()),
            lengths: self.lengths().map(|lengths| indices.map(|i| lengths[i]).collect()),
            sequence_targets: self.sequence_targets,
        }
    }

    /// Whether inputs and targets are contiguous; if not, each [`select`](Dataset::select) copies
    /// all of them.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.x.is_contiguous() && self.y.is_contiguous()
    }

    /// The same examples with equal weights.
    ///
    /// ```
    /// use unspool::prelude::*;
    /// use unspool::train::metrics::rmse;
    /// let data = Dataset::new(Tensor::<f32>::zeros([2, 3]), Tensor::from_vec(vec![1.0, 7.0], [2, 1]))?;
    /// let data = data.with_weights(vec![1.0, 0.1])?;
    /// let model = sequential().add(dense(3, 1)); // predicts 0
    /// assert_eq!(evaluate(&model, &data.without_weights(), rmse), 5.0);
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    pub fn without_weights(&self) -> Self {
        Dataset { weights: None, ..self.clone() }
    }

    /// The same examples, contiguous in memory.
    pub(crate) fn contiguous(&self) -> Self {
        Dataset { x: self.x.contiguous(), y: self.y.contiguous(), ..self.clone() }
    }

    /// A hash with all that this holds.
    pub(crate) fn hash(&self, hash: Hash) -> Hash {
        let mut hash = self.y.hash(self.x.hash(hash)).counts(self.lengths.as_deref().unwrap_or_default());
        self.weights.iter().flatten().for_each(|weight| hash.word(weight.to_bits()));
        hash
    }

    /// The length of each target, if they are sequences of different lengths.
    pub(crate) fn target_lengths(&self) -> Option<&[usize]> {
        self.lengths().filter(|_| self.sequence_targets)
    }

    /// The weight of a mean over these examples in a mean over several data sets: the number of
    /// their examples, or of their steps.
    pub(crate) fn loss_count(&self) -> f64 {
        self.target_lengths().map_or(self.len(), |lengths| lengths.iter().sum()) as f64
    }
}

impl<X: Examples> Dataset<X, Indices> {
    /// The examples with inputs `x` and a class for each, or for each of its time steps.
    ///
    /// ```
    /// use unspool::losses::sparse_cross_entropy;
    /// use unspool::prelude::*;
    /// use unspool::train::metrics::sparse_accuracy;
    /// let x = Tensor::<f32>::from_fn([60, 2], |i| ((i / 2 % 3) as f32 * 2.0 + (i % 2) as f32).sin());
    /// let data = Dataset::classes(x, (0..60).map(|i| i % 3).collect::<Vec<_>>())?;
    /// let mut model = sequential().add(dense(2, 3));
    /// let history = fit(&mut model, &data)
    ///     .loss(sparse_cross_entropy)
    ///     .metric("accuracy", sparse_accuracy)
    ///     .epochs(3)
    ///     .quiet()
    ///     .run()?;
    /// assert!(history.curve("accuracy").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As those of [`new`](Dataset::new).
    pub fn classes(x: X, classes: impl Into<Indices>) -> Result<Self, DataError> {
        Dataset::new(x, classes.into())
    }
}
