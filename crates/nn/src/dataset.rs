//! Examples to learn from.

use std::fmt;
use unspool_autograd::{Scalar, Shape, Tensor};

/// Inputs and their targets.
///
/// The last axis of each is features, the one before it counts examples: inputs are `[N, F]` or sequences
/// `[T, N, F]`, targets `[N, O]` or `[T, N, O]`.
///
/// ```
/// use unspool_nn::Dataset;
/// use unspool_autograd::Tensor;
/// let data = Dataset::new(Tensor::<f32>::zeros([50, 7000, 1]), Tensor::zeros([7000, 1]))?;
/// assert_eq!(data.len(), 7000);
/// let wrong = Dataset::new(Tensor::<f32>::zeros([50, 7000, 1]), Tensor::zeros([6999, 1]));
/// assert_eq!(
///     wrong.unwrap_err().to_string(),
///     "inputs [50, 7000, 1] hold 7000 examples, targets [6999, 1] hold 6999: these must be the same"
/// );
/// # Ok::<(), unspool_nn::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dataset<T: Scalar = f32> {
    x: Tensor<T>,
    y: Tensor<T>,
}

/// Data that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError(pub(crate) String);

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DataError {}

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
        Ok(Dataset { x, y })
    }

    /// The inputs.
    pub fn x(&self) -> &Tensor<T> {
        &self.x
    }

    /// The targets.
    pub fn y(&self) -> &Tensor<T> {
        &self.y
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
        let pick = |t: &Tensor<T>| t.index_select(t.rank() - 2, positions);
        Dataset { x: pick(&self.x), y: pick(&self.y) }
    }

    /// The examples `start..start + len`, sharing the memory of these.
    ///
    /// # Panics
    /// If they reach beyond the end.
    #[track_caller]
    pub fn slice(&self, start: usize, len: usize) -> Dataset<T> {
        let part = |t: &Tensor<T>| t.slice(t.rank() - 2, start..start + len);
        Dataset { x: part(&self.x), y: part(&self.y) }
    }
}

fn examples(shape: Shape) -> usize {
    shape[shape.rank() - 2]
}
