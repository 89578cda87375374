//! Evaluation and prediction.

use crate::data::dataset::Dataset;
use crate::layers::layer::Model;
use crate::layers::masks::check_lengths;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use crate::train::batch_loss::batch_loss;
use crate::train::predictions::{Predictions, map_chunks};
use unspool_autograd::{Scalar, Tape, Tensor};

/// The loss of the model on a data set, or a [metric](crate::train::metrics): the function of all
/// outputs and targets at once (for [sequences](Dataset::with_lengths), of all valid steps); NaN if
/// there are no examples. It need not be a mean: `|output, target| mse(output, target).sqrt()` is
/// the root of the mean over all examples. The outputs take as much memory as the targets.
///
/// With [weights](Dataset::with_weights) it is the weighted mean of the function of each example
/// alone, as in training. A metric that is no mean therefore needs a data set [without
/// weights](Dataset::without_weights).
///
/// ```
/// use unspool_nn::data::Dataset;
/// use unspool_nn::layers::{dense, sequential};
/// use unspool_nn::losses::mse;
/// use unspool_nn::train::evaluate;
/// use unspool_autograd::Tensor;
/// let data = Dataset::new(Tensor::<f32>::zeros([10, 3]), Tensor::ones([10, 1]))?;
/// assert_eq!(evaluate(&sequential().add(dense(3, 1)), &data, mse), 1.0);
/// # Ok::<(), unspool_nn::data::DataError>(())
/// ```
///
/// # Panics
/// If the data do not fit the model or the loss.
#[track_caller]
pub fn evaluate<T, M>(model: &M, data: &Dataset<T>, loss: impl Loss<T>) -> f64
where
    T: Scalar,
    M: for<'t> Model<'t, T> + Sync,
{
    try_one(model, data, &loss);
    if data.is_empty() { f64::NAN } else { Predictions::of(model, data).loss(&loss) }
}

/// The model's output for inputs `[N, F]` or `[T, N, F]`: `[N, O]` or `[T, N, O]`.
///
/// ```
/// use unspool_nn::cells::simple_rnn;
/// use unspool_nn::layers::{dense, sequential};
/// use unspool_nn::train::predict;
/// use unspool_autograd::Tensor;
/// let model = sequential().add(simple_rnn(1, 4)).add(dense(4, 1));
/// assert_eq!(predict(&model, &Tensor::zeros([50, 1000, 1])).shape()[..], [1000, 1]);
/// ```
///
/// # Panics
/// If `x` has fewer than two axes, holds no example, or does not fit the model; or if the output
/// has fewer than two axes.
#[track_caller]
pub fn predict<T, M>(model: &M, x: &Tensor<T>) -> Tensor<T>
where
    T: Scalar,
    M: for<'t> Model<'t, T> + Sync,
{
    outputs_of(model, x, None)
}

/// The model's output for sequences `[T, N, F]` of different lengths, padded as by
/// [`pad`](crate::data::pad): [`predict`] with lengths.
///
/// ```
/// use unspool_nn::cells::gru;
/// use unspool_nn::data::pad;
/// use unspool_nn::layers::{dense, sequential};
/// use unspool_nn::train::predict_lengths;
/// use unspool_autograd::Tensor;
/// let model = sequential().add(gru(1, 4)).add(dense(4, 1));
/// let padded = pad(&[Tensor::ones([7, 1]), Tensor::ones([3, 1])])?;
/// assert_eq!(predict_lengths(&model, &padded.x, &padded.lengths).shape()[..], [2, 1]);
/// # Ok::<(), unspool_nn::data::DataError>(())
/// ```
///
/// # Panics
/// As [`predict`]; or if there is not one length of at most `T` for each sequence, or the model
/// takes no lengths.
#[track_caller]
pub fn predict_lengths<T, M>(model: &M, x: &Tensor<T>, lengths: &[usize]) -> Tensor<T>
where
    T: Scalar,
    M: for<'t> Model<'t, T> + Sync,
{
    outputs_of(model, x, Some(lengths))
}

#[track_caller]
fn outputs_of<T, M>(model: &M, x: &Tensor<T>, lengths: Option<&[usize]>) -> Tensor<T>
where
    T: Scalar,
    M: for<'t> Model<'t, T> + Sync,
{
    let shape = x.shape();
    assert!(shape.rank() >= 2, "predict: inputs {shape} must have an axis of examples and one of features");
    let axis = shape.rank() - 2;
    assert!(shape[axis] > 0, "predict: inputs {shape} hold no example");
    if let Some(lengths) = lengths {
        let (n, time) = (shape[axis], shape[0]);
        check_lengths("predict_lengths", lengths, time, n);
    }
    let chunk = |start: usize, rows: usize| {
        let lengths = lengths.map(|lengths| &lengths[start..start + rows]);
        output_of(model, &x.slice(axis, start..start + rows), lengths)
    };
    // Here and not in `chunk`, so that a misfit panics with the caller's line.
    let one = output_of(model, &x.slice(axis, ..1), lengths.map(|lengths| &lengths[..1])).shape();
    assert!(one.rank() >= 2, "predict: the output {one} must have an axis of examples and one of features");

    let outputs = map_chunks(shape[axis], chunk);
    Tensor::concat(one.rank() - 2, &outputs)
}

/// Computes the loss on the first example, if there is one. A misfit panics here, on the caller's
/// thread and with the caller's line, and not somewhere in the thread pool.
#[track_caller]
pub(crate) fn try_one<T, M>(model: &M, data: &Dataset<T>, loss: &impl Loss<T>)
where
    T: Scalar,
    M: for<'t> Model<'t, T>,
{
    if !data.is_empty() {
        let tape = Tape::new();
        let net = tape.bind_frozen(model);
        batch_loss::<T, M, _>(&tape, &net, &data.slice(0, 1), loss, Mode::Evaluation).item();
    }
}

#[track_caller]
fn output_of<T, M>(model: &M, x: &Tensor<T>, lengths: Option<&[usize]>) -> Tensor<T>
where
    T: Scalar,
    M: for<'t> Model<'t, T>,
{
    let tape = Tape::new();
    M::output(&tape.bind_frozen(model), tape.constant(x), lengths, Mode::Evaluation).value()
}
