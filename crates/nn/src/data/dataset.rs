//! A data set: inputs, targets, and optional weights and lengths.

use crate::data::error::DataError;
use unspool_autograd::{Scalar, Shape, Tensor};

/// Inputs and their targets, optionally with a weight for each example and the length of each
/// sequence.
///
/// The last axis of both is features, and the one before it is examples: inputs are `[N, F]` or
/// sequences `[T, N, F]`, targets `[N, O]` or `[T, N, O]`.
///
/// ```
/// use unspool_nn::data::Dataset;
/// use unspool_autograd::Tensor;
/// let data = Dataset::new(Tensor::<f32>::zeros([50, 7000, 1]), Tensor::zeros([7000, 1]))?;
/// assert_eq!(data.len(), 7000);
/// let wrong = Dataset::new(Tensor::<f32>::zeros([50, 7000, 1]), Tensor::zeros([6999, 1]));
/// assert_eq!(
///     wrong.unwrap_err().to_string(),
///     "inputs [50, 7000, 1] hold 7000 examples, targets [6999, 1] hold 6999: these must be the same"
/// );
/// # Ok::<(), unspool_nn::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dataset<T: Scalar = f32> {
    x: Tensor<T>,
    y: Tensor<T>,
    weights: Option<Vec<f64>>,
    lengths: Option<Vec<usize>>,
    /// Whether the targets are sequences that end where the inputs do.
    sequence_targets: bool,
}

impl<T: Scalar> Dataset<T> {
    /// The examples with inputs `x` and targets `y`.
    ///
    /// # Errors
    /// If one has fewer than two axes, or their numbers of examples differ.
    pub fn new(x: Tensor<T>, y: Tensor<T>) -> Result<Self, DataError> {
        for (what, shape) in [("inputs", x.shape()), ("targets", y.shape())] {
            if shape.rank() < 2 {
                return Err(DataError(format!("{what} {shape} must have an axis of examples and one of features")));
            }
        }
        let (n, m) = (examples(x.shape()), examples(y.shape()));
        if n != m {
            return Err(DataError(format!(
                "inputs {} hold {n} examples, targets {} hold {m}: these must be the same",
                x.shape(),
                y.shape()
            )));
        }
        Ok(Dataset { x, y, weights: None, lengths: None, sequence_targets: false })
    }

    /// The same examples with a weight each: the loss of a batch is the sum of the weighted losses
    /// divided by the number of examples, as in Keras.
    ///
    /// ```
    /// use unspool_nn::data::Dataset;
    /// use unspool_nn::layers::{dense, sequential};
    /// use unspool_nn::losses::mse;
    /// use unspool_nn::train::evaluate;
    /// use unspool_autograd::Tensor;
    /// let data = Dataset::new(Tensor::<f32>::zeros([2, 3]), Tensor::from_vec(vec![1.0, 2.0], [2, 1]))?;
    /// let model = sequential().add(dense(3, 1)); // predicts 0
    /// assert_eq!(evaluate(&model, &data, mse), (1.0 + 4.0) / 2.0);
    /// assert_eq!(evaluate(&model, &data.with_weights(vec![3.0, 0.5])?, mse), (3.0 * 1.0 + 0.5 * 4.0) / 2.0);
    /// # Ok::<(), unspool_nn::data::DataError>(())
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
            Some(i) => Err(DataError(format!("weight {i} is {}: it must be finite and not negative", weights[i]))),
            None => Ok(Dataset { weights: Some(weights), ..self }),
        }
    }

    /// The same examples with input sequences of different lengths, as [`pad`](crate::data::pad)
    /// stacks them: the steps after the end of a sequence are padding. Targets that are sequences
    /// of as many steps, `[T, N, O]`, end where their inputs do, and each of their steps counts the
    /// same.
    ///
    /// ```
    /// use unspool_nn::cells::gru;
    /// use unspool_nn::data::{Dataset, pad};
    /// use unspool_nn::layers::{dense, sequential};
    /// use unspool_nn::losses::mse;
    /// use unspool_nn::train::fit;
    /// use unspool_autograd::Tensor;
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
        let [time, ..] = self.x.shape()[..] else { unreachable!("there are two axes at least") };
        if self.x.rank() != 3 {
            return Err(DataError(format!("inputs {} have no lengths: they must be [T, N, F]", self.x.shape())));
        }
        self.check_count("lengths", lengths.len())?;
        if let Some(i) = lengths.iter().position(|length| !(1..=time).contains(length)) {
            return Err(DataError(format!("length {i} is {}: it must be from 1 to {time}", lengths[i])));
        }
        let sequence_targets = self.y.rank() == 3 && self.y.shape()[0] == time;
        Ok(Dataset { lengths: Some(lengths), sequence_targets, ..self })
    }

    fn check_count(&self, what: &str, given: usize) -> Result<(), DataError> {
        let n = self.len();
        if given == n { Ok(()) } else { Err(DataError(format!("{given} {what} for {n} examples: each needs one"))) }
    }

    /// The inputs.
    pub fn x(&self) -> &Tensor<T> {
        &self.x
    }

    /// The targets.
    pub fn y(&self) -> &Tensor<T> {
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
        examples(self.x.shape())
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
    pub fn select(&self, indices: &[usize]) -> Dataset<T> {
        self.pick(None, indices.iter().copied(), |t| t.index_select(t.rank() - 2, indices))
    }

    /// The examples `start..start + len`, which share memory with this data set.
    ///
    /// # Panics
    /// If they extend beyond the end.
    #[track_caller]
    pub fn slice(&self, start: usize, len: usize) -> Dataset<T> {
        self.pick(None, start..start + len, |t| t.slice(t.rank() - 2, start..start + len))
    }

    /// [`select`](Dataset::select) without the time steps that are padding in all of the examples.
    pub(crate) fn select_trimmed(&self, indices: &[usize]) -> Dataset<T> {
        let longest = self.longest(indices.iter().copied());
        self.pick(longest, indices.iter().copied(), |t| t.index_select(t.rank() - 2, indices))
    }

    /// [`slice`](Dataset::slice) without the time steps that are padding in all of the examples.
    pub(crate) fn slice_trimmed(&self, start: usize, len: usize) -> Dataset<T> {
        let indices = start..start + len;
        let longest = self.longest(indices.clone());
        self.pick(longest, indices.clone(), |t| t.slice(t.rank() - 2, indices.clone()))
    }

    fn longest(&self, indices: impl Iterator<Item = usize>) -> Option<usize> {
        self.lengths().and_then(|lengths| indices.map(|i| lengths[i]).max())
    }

    /// The examples at `indices`, which `examples_of` takes from inputs and targets; of sequences,
    /// the first `longest` steps.
    #[track_caller]
    fn pick(
        &self,
        longest: Option<usize>,
        indices: impl Iterator<Item = usize> + Clone,
        examples_of: impl Fn(&Tensor<T>) -> Tensor<T>,
    ) -> Dataset<T> {
        let trimmed = |t: &Tensor<T>, sequence: bool| match longest {
            Some(longest) if sequence => examples_of(&t.slice(0, ..longest)),
            _ => examples_of(t),
        };
        Dataset {
            x: trimmed(&self.x, true),
            y: trimmed(&self.y, self.sequence_targets),
            weights: self.weights().map(|weights| indices.clone().map(|i| weights[i]).collect()),
            lengths: self.lengths().map(|lengths| indices.map(|i| lengths[i]).collect()),
            sequence_targets: self.sequence_targets,
        }
    }

    /// Whether inputs and targets are contiguous; if not, each [`select`](Dataset::select) copies
    /// all of them.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.x.as_slice().is_some() && self.y.as_slice().is_some()
    }

    /// The same examples with equal weights.
    ///
    /// ```
    /// use unspool_nn::train::metrics::rmse;
    /// use unspool_nn::data::Dataset;
    /// use unspool_nn::layers::{dense, sequential};
    /// use unspool_nn::train::evaluate;
    /// use unspool_autograd::Tensor;
    /// let data = Dataset::new(Tensor::<f32>::zeros([2, 3]), Tensor::from_vec(vec![1.0, 7.0], [2, 1]))?;
    /// let data = data.with_weights(vec![1.0, 0.1])?;
    /// let model = sequential().add(dense(3, 1)); // predicts 0
    /// assert_eq!(evaluate(&model, &data.without_weights(), rmse), 5.0);
    /// # Ok::<(), unspool_nn::data::DataError>(())
    /// ```
    pub fn without_weights(&self) -> Dataset<T> {
        Dataset { weights: None, ..self.clone() }
    }

    /// The same examples, contiguous in memory.
    pub(crate) fn contiguous(&self) -> Dataset<T> {
        Dataset { x: self.x.contiguous(), y: self.y.contiguous(), ..self.clone() }
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

fn examples(shape: Shape) -> usize {
    shape[shape.rank() - 2]
}
