//! Examples to learn from.

use crate::data::error::DataError;
use unspool_autograd::{Scalar, Shape, Tensor};

/// Inputs and their targets; also, if they are told, a weight of each example and the length of each sequence.
///
/// The last axis of each is features, the one before it counts examples: inputs are `[N, F]` or sequences
/// `[T, N, F]`, targets `[N, O]` or `[T, N, O]`.
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
    /// Whether the targets are sequences of the same lengths.
    long_targets: bool,
}

impl<T: Scalar> Dataset<T> {
    /// The examples with inputs `x` and targets `y`.
    ///
    /// # Errors
    /// If one has fewer than two axes, or they hold different numbers of examples.
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
        Ok(Dataset { x, y, weights: None, lengths: None, long_targets: false })
    }

    /// The same examples, of which each counts as much as its weight says: the loss of a batch is the sum of the weighted
    /// losses over the number of examples, as in Keras.
    ///
    /// ```
    /// use unspool_nn::data::Dataset;
    /// use unspool_nn::layers::{dense, sequential};
    /// use unspool_nn::losses::mse;
    /// use unspool_nn::train::evaluate;
    /// use unspool_autograd::Tensor;
    /// let data = Dataset::new(Tensor::<f32>::zeros([2, 3]), Tensor::from_vec(vec![1.0, 2.0], [2, 1]))?;
    /// let model = sequential().add(dense(3, 1)); // says 0
    /// assert_eq!(evaluate(&model, &data, mse), (1.0 + 4.0) / 2.0);
    /// assert_eq!(evaluate(&model, &data.with_weights(vec![3.0, 0.5])?, mse), (3.0 * 1.0 + 0.5 * 4.0) / 2.0);
    /// # Ok::<(), unspool_nn::data::DataError>(())
    /// ```
    ///
    /// The loss is computed on each example by itself, since any function can be one: it costs more than without weights,
    /// the model does not.
    ///
    /// # Errors
    /// If there is not one weight for each example, or one is negative or not finite.
    pub fn with_weights(self, weights: Vec<f64>) -> Result<Self, DataError> {
        self.one_each("weights", weights.len())?;
        match weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            Some(i) => Err(DataError(format!("weight {i} is {}: it must be finite and not negative", weights[i]))),
            None => Ok(Dataset { weights: Some(weights), ..self }),
        }
    }

    /// The same examples, whose inputs are sequences of different lengths, as [`pad`](crate::data::pad) puts them side by side:
    /// what lies behind the end of one is padding. Targets that are sequences of as many steps, `[T, N, O]`, end where
    /// their inputs do, and every one of their steps counts the same.
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
    /// If the inputs are not sequences, there is not one length for each example, or one is 0 or more than `T`.
    pub fn with_lengths(self, lengths: Vec<usize>) -> Result<Self, DataError> {
        let [time, ..] = self.x.shape()[..] else { unreachable!("there are two axes at least") };
        if self.x.rank() != 3 {
            return Err(DataError(format!("inputs {} have no lengths: they must be [T, N, F]", self.x.shape())));
        }
        self.one_each("lengths", lengths.len())?;
        if let Some(i) = lengths.iter().position(|length| !(1..=time).contains(length)) {
            return Err(DataError(format!("length {i} is {}: it must be from 1 to {time}", lengths[i])));
        }
        let long_targets = self.y.rank() == 3 && self.y.shape()[0] == time;
        Ok(Dataset { lengths: Some(lengths), long_targets, ..self })
    }

    fn one_each(&self, what: &str, given: usize) -> Result<(), DataError> {
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

    /// The lengths of the sequences, if they were told.
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

    /// The examples at the given positions, in that order.
    ///
    /// # Panics
    /// If a position is not less than [`len`](Dataset::len).
    #[track_caller]
    pub fn select(&self, positions: &[usize]) -> Dataset<T> {
        self.part(None, positions.iter().copied(), |t| t.index_select(t.rank() - 2, positions))
    }

    /// The examples `start..start + len`, sharing the memory of these.
    ///
    /// # Panics
    /// If they reach beyond the end.
    #[track_caller]
    pub fn slice(&self, start: usize, len: usize) -> Dataset<T> {
        self.part(None, start..start + len, |t| t.slice(t.rank() - 2, start..start + len))
    }

    /// [`select`](Dataset::select) without the time steps that are padding of all of them.
    pub(crate) fn select_cut(&self, positions: &[usize]) -> Dataset<T> {
        let longest = self.longest(positions.iter().copied());
        self.part(longest, positions.iter().copied(), |t| t.index_select(t.rank() - 2, positions))
    }

    /// [`slice`](Dataset::slice) without the time steps that are padding of all of them.
    pub(crate) fn slice_cut(&self, start: usize, len: usize) -> Dataset<T> {
        let places = start..start + len;
        let longest = self.longest(places.clone());
        self.part(longest, places.clone(), |t| t.slice(t.rank() - 2, places.clone()))
    }

    fn longest(&self, places: impl Iterator<Item = usize>) -> Option<usize> {
        self.lengths().and_then(|lengths| places.map(|i| lengths[i]).max())
    }

    /// The examples at `places`, which `pick` takes out of inputs and targets; of sequences, the first `longest` steps.
    #[track_caller]
    fn part(
        &self,
        longest: Option<usize>,
        places: impl Iterator<Item = usize> + Clone,
        pick: impl Fn(&Tensor<T>) -> Tensor<T>,
    ) -> Dataset<T> {
        let cut = |t: &Tensor<T>, sequence: bool| match longest {
            Some(longest) if sequence => pick(&t.slice(0, ..longest)),
            _ => pick(t),
        };
        Dataset {
            x: cut(&self.x, true),
            y: cut(&self.y, self.long_targets),
            weights: self.weights().map(|weights| places.clone().map(|i| weights[i]).collect()),
            lengths: self.lengths().map(|lengths| places.map(|i| lengths[i]).collect()),
            long_targets: self.long_targets,
        }
    }

    /// Whether inputs and targets lie in memory without gaps; if not, each [`select`](Dataset::select) copies them all.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.x.as_slice().is_some() && self.y.as_slice().is_some()
    }

    /// The same examples, of which each counts the same.
    ///
    /// ```
    /// use unspool_nn::train::metrics::rmse;
    /// use unspool_nn::data::Dataset;
    /// use unspool_nn::layers::{dense, sequential};
    /// use unspool_nn::train::evaluate;
    /// use unspool_autograd::Tensor;
    /// let data = Dataset::new(Tensor::<f32>::zeros([2, 3]), Tensor::from_vec(vec![1.0, 7.0], [2, 1]))?;
    /// let data = data.with_weights(vec![1.0, 0.1])?;
    /// let model = sequential().add(dense(3, 1)); // says 0
    /// assert_eq!(evaluate(&model, &data.without_weights(), rmse), 5.0);
    /// # Ok::<(), unspool_nn::data::DataError>(())
    /// ```
    pub fn without_weights(&self) -> Dataset<T> {
        Dataset { weights: None, ..self.clone() }
    }

    /// The same examples, without gaps in memory.
    pub(crate) fn contiguous(&self) -> Dataset<T> {
        Dataset { x: self.x.contiguous(), y: self.y.contiguous(), ..self.clone() }
    }

    /// The number of steps of each target, if they are sequences of different lengths.
    pub(crate) fn target_lengths(&self) -> Option<&[usize]> {
        self.lengths().filter(|_| self.long_targets)
    }

    /// How much a mean over these examples counts beside those over others: their number, or that of their steps.
    pub(crate) fn loss_count(&self) -> f64 {
        self.target_lengths().map_or(self.len(), |lengths| lengths.iter().sum()) as f64
    }
}

fn examples(shape: Shape) -> usize {
    shape[shape.rank() - 2]
}
