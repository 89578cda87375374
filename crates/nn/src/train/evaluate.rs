//! Evaluation and prediction.

use crate::context::Context;
use crate::data::dataset::Dataset;
use crate::data::examples::OnTape;
use crate::data::inputs::Inputs;
use crate::data::parts::Parts;
use crate::layers::layer::Model;
use crate::layers::masks::check_lengths;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use crate::train::batch_loss::{loss_on, output};
use crate::train::predictions::{Predictions, map_chunks};
use std::fmt::Display;
use unspool_autograd::at_callers_line::{at_callers_line, at_callers_line_with};
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
/// use unspool::prelude::*;
/// let data = Dataset::new(Tensor::<f32>::zeros([10, 3]), Tensor::ones([10, 1]))?;
/// assert_eq!(evaluate(&sequential().add(dense(3, 1)), &data, mse), 1.0);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
///
/// # Panics
/// If the data do not fit the model or the loss.
#[track_caller]
pub fn evaluate<T, M, X, Y>(model: &M, data: &Dataset<X, Y>, loss: impl Loss<T, Y>) -> f64
where
    T: Scalar,
    M: Model<T, X> + Sync,
    X: OnTape<T>,
    Y: OnTape<T>,
{
    try_one(model, data, &loss, "in the loss or metric given to evaluate");
    if data.is_empty() { f64::NAN } else { at_callers_line(|| Predictions::of(model, data).loss(&loss)) }
}

/// The model's output for inputs `[N, F]` or `[T, N, F]`: `[N, O]` or `[T, N, O]`. Inputs may also
/// be indices, the inputs of a [`Dataset`], or sequences of different lengths:
///
/// ```
/// use unspool::data::pad;
/// use unspool::prelude::*;
/// let model = sequential().add(gru(1, 4)).add(dense(4, 1));
/// assert_eq!(predict(&model, &Tensor::zeros([50, 1000, 1])).shape()[..], [1000, 1]);
/// let padded = pad(&[Tensor::ones([7, 1]), Tensor::ones([3, 1])])?;
/// assert_eq!(predict(&model, &padded).shape()[..], [2, 1]);
/// # Ok::<(), unspool::data::DataError>(())
/// ```
///
/// # Panics
/// If the inputs have too few axes, hold no example, or do not fit the model; if there is not one
/// length of at most `T` for each sequence; or if the output has fewer than two axes.
#[track_caller]
pub fn predict<T, M, I>(model: &M, inputs: &I) -> Tensor<T>
where
    T: Scalar,
    I: Inputs<X: OnTape<T>> + Sync + ?Sized,
    M: Model<T, I::X> + Sync,
{
    let (x, lengths) = (inputs.x(), inputs.lengths());
    let is = x.describe();
    if let Some(missing) = x.missing_axes() {
        fail!("predict: inputs {is} must have {missing}");
    }
    let Some(n) = x.examples() else { fail!("predict: the inputs {is} must hold the same examples") };
    ensure!(n > 0, "predict: inputs {is} hold no example");
    if let Some(lengths) = lengths {
        let Some(time) = x.time() else { fail!("predict: inputs {is} have no time steps") };
        check_lengths("predict", lengths, time, n);
    }
    let chunk = |start: usize, rows: usize| {
        let lengths = lengths.map(|lengths| &lengths[start..start + rows]);
        output_of(model, &x.slice(start..start + rows), lengths)
    };
    // Here and not in `chunk`, so that a misfit panics with the caller's line.
    let one = output_of(model, &x.slice(0..1), lengths.map(|lengths| &lengths[..1])).shape();
    ensure!(one.rank() >= 2, "predict: the output {one} must have an axis of examples and one of features");

    let outputs = at_callers_line(|| map_chunks(n, chunk));
    Tensor::concat(one.rank() - 2, &outputs)
}

/// Computes the loss on the first example, if there is one. A misfit panics here, on the caller's
/// thread and with the caller's line, and not somewhere in the thread pool.
#[track_caller]
pub(crate) fn try_one<T, M, X, Y>(model: &M, data: &Dataset<X, Y>, loss: &impl Loss<T, Y>, hint: impl Display)
where
    T: Scalar,
    M: Model<T, X>,
    X: OnTape<T>,
    Y: OnTape<T>,
{
    // One number for one example may be one for each of several.
    for examples in 1..=data.len().min(2) {
        let (tape, some) = (Tape::new(), data.slice(0, examples));
        let net = tape.bind_frozen(model);
        let output = output::<T, M, X, Y>(&tape, &net, &some, Mode::Evaluation);
        let shape = at_callers_line_with(&hint, || loss_on(output, &some, loss)).shape();
        ensure!(shape.numel() == 1, "a loss or metric must be one number, not {shape}: is a mean missing? ({hint})");
        if shape.rank() == 0 {
            break;
        }
    }
}

#[track_caller]
fn output_of<T, M, X>(model: &M, x: &X, lengths: Option<&[usize]>) -> Tensor<T>
where
    T: Scalar,
    M: Model<T, X>,
    X: OnTape<T>,
{
    let tape = Tape::new();
    let cx = lengths.map_or(Context::default(), |lengths| Context::default().with_lengths(lengths));
    M::output(&tape.bind_frozen(model), x.bind(&tape, cx), cx).value()
}
