//! Running a model without training it.

use crate::dataset::Dataset;
use crate::layer::Model;
use crate::loss::Loss;
use rayon::prelude::*;
use unspool_autograd::{Scalar, Tape, Tensor};

/// Examples computed at once: enough for products at full speed, few enough to stay in cache.
const ROWS: usize = 256;

/// The loss of the model on a data set, averaged over all examples; NaN if there are none.
///
/// ```
/// use unspool_nn::{dense, evaluate, mse, sequential, Dataset};
/// use unspool_autograd::Tensor;
/// let data = Dataset::new(Tensor::<f32>::zeros([10, 3]), Tensor::ones([10, 1]))?;
/// assert_eq!(evaluate(&sequential().add(dense(3, 1)), &data, mse), 1.0);
/// # Ok::<(), unspool_nn::DataError>(())
/// ```
pub fn evaluate<T, M>(model: &M, data: &Dataset<T>, loss: impl Loss<T>) -> f64
where
    T: Scalar,
    M: for<'t> Model<'t, T> + Sync,
{
    let total: f64 = in_parts(data.len(), |start, rows| {
        let part = data.slice(start, rows);
        let tape = Tape::new();
        let net = tape.bind_frozen(model);
        let output = M::output(&net, tape.constant(part.x()));
        loss(output, tape.constant(part.y())).item().to_f64() * rows as f64
    })
    .into_iter()
    .sum();
    total / data.len() as f64
}

/// The model's output for inputs `[N, F]` or `[T, N, F]`: `[N, O]` or `[T, N, O]`.
///
/// ```
/// use unspool_nn::{dense, predict, sequential, simple_rnn};
/// use unspool_autograd::Tensor;
/// let model = sequential().add(simple_rnn(1, 4)).add(dense(4, 1));
/// assert_eq!(predict(&model, &Tensor::zeros([50, 1000, 1])).shape()[..], [1000, 1]);
/// ```
///
/// # Panics
/// If `x` has fewer than two axes, holds no example, or does not fit the model.
#[track_caller]
pub fn predict<T, M>(model: &M, x: &Tensor<T>) -> Tensor<T>
where
    T: Scalar,
    M: for<'t> Model<'t, T> + Sync,
{
    let shape = x.shape();
    assert!(shape.rank() >= 2, "predict: inputs {shape} must have an axis of examples and one of features");
    let axis = shape.rank() - 2;
    assert!(shape[axis] > 0, "predict: inputs {shape} hold no example");
    let parts = in_parts(shape[axis], |start, rows| {
        let tape = Tape::new();
        let net = tape.bind_frozen(model);
        M::output(&net, tape.constant(&x.slice(axis, start, rows))).value()
    });
    let part = parts[0].shape();
    let axis = part.rank() - 2;
    let placed = parts.iter().enumerate().map(|(i, part)| (i * ROWS, part));
    Tensor::assemble(part.with(axis, shape[shape.rank() - 2]), axis, placed)
}

/// `f(start, rows)` of every part of `n` examples, in order.
fn in_parts<R: Send>(n: usize, f: impl Fn(usize, usize) -> R + Sync) -> Vec<R> {
    (0..n.div_ceil(ROWS)).into_par_iter().map(|i| f(i * ROWS, ROWS.min(n - i * ROWS))).collect()
}
