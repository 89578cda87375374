//! Hessians of losses of one tensor.

use super::jacobian::identity;
use super::reuse::KeptTape;
use super::sparse::{SparseMatrix, Sparsity};
use crate::gradients::Gradients;
use crate::tape::{Tape, Var};
use unspool_tensor::{DIRECTIONS, Real, Tangents, Tensor};

/// The numbers over which a gradient has several Hessian-vector products as its tangents.
type Several<T> = Tangents<T, DIRECTIONS>;

/// The Hessian of a loss of one tensor: a symmetric matrix `[n, n]`, in row-major order of the
/// tensor.
///
/// Hessian-vector products for eight elements at a time. A loss that does not depend on the tensor has the
/// Hessian 0.
///
/// ```
/// use unspool::Tensor;
/// use unspool::autograd::hessian;
/// let x = Tensor::from_slice(&[2.0, 3.0], [2]);
/// let h = hessian(&x, |_, x| x.select(0, 0) * x.select(0, 1).square());
/// assert_eq!(h, Tensor::from_slice(&[0.0, 6.0, 6.0, 4.0], [2, 2]));
/// ```
///
/// Data of the loss goes to its tape by [`Tape::data`].
///
/// # Panics
/// If the loss does not have one element.
#[track_caller]
pub fn hessian<T: Real>(
    x: &Tensor<T>,
    loss: impl for<'t> Fn(&'t Tape<Several<T>>, Var<'t, Several<T>>) -> Var<'t, Several<T>>,
) -> Tensor<T> {
    let n = x.numel();
    let mut matrix = Tensor::zeros([n, n]);
    for first in (0..n).step_by(DIRECTIONS) {
        let some = first..n.min(first + DIRECTIONS);
        matrix.slice_assign(1, first, &hessian_times(x, &identity(n).slice(1, some), &loss));
    }
    matrix
}

/// The diagonal of the [`hessian`] of a loss of one tensor, in the shape of the tensor: the second derivative by
/// each element.
///
/// It takes as many Hessian-vector products as the whole matrix, in the memory of some of them. Where the
/// Hessian has nothing but its diagonal, or little more, [`sparse_hessian`] takes few.
///
/// ```
/// use unspool::Tensor;
/// use unspool::autograd::hessian_diagonal;
/// let x = Tensor::from_slice(&[2.0, 3.0], [2]);
/// let diagonal = hessian_diagonal(&x, |_, x| x.select(0, 0) * x.select(0, 1).square());
/// assert_eq!(diagonal.to_vec(), [0.0, 4.0]);
/// ```
///
/// # Panics
/// If the loss does not have one element.
#[track_caller]
pub fn hessian_diagonal<T: Real>(
    x: &Tensor<T>,
    loss: impl for<'t> Fn(&'t Tape<Several<T>>, Var<'t, Several<T>>) -> Var<'t, Several<T>>,
) -> Tensor<T> {
    let n = x.numel();
    let mut diagonal = Vec::with_capacity(n);
    for first in (0..n).step_by(DIRECTIONS) {
        let width = DIRECTIONS.min(n - first);
        let one = |i: usize| if i / width == first + i % width { T::ONE } else { T::ZERO };
        let columns = hessian_times(x, &Tensor::from_fn([n, width], one), &loss);
        diagonal.extend((0..width).map(|k| columns.at([first + k, k])));
    }
    Tensor::from_vec(diagonal, x.shape())
}

/// The [`hessian`] of a loss of one tensor of which most is zero, as coordinates.
///
/// Columns that no row has in common are computed by one Hessian-vector product: a diagonal Hessian takes one,
/// one with `b` bands takes `b`, however many elements there are (Curtis, Powell and Reid 1974).
///
/// ```
/// use unspool::Tensor;
/// use unspool::autograd::{Sparsity, sparse_hessian};
/// let x = Tensor::from_fn([1000], |i| i as f64);
/// let h = sparse_hessian(&x, &Sparsity::banded([1000, 1000], 0, 0), |_, x| (x.square() * x).sum());
/// assert_eq!(h.values.at([7]), 6.0 * 7.0);
/// ```
///
/// Elements that `sparsity` leaves out must be zero: one that is not is added to another of its row, unnoticed.
///
/// # Panics
/// If the loss does not have one element, or `sparsity` is not of `[n, n]` elements.
#[track_caller]
pub fn sparse_hessian<T: Real>(
    x: &Tensor<T>,
    sparsity: &Sparsity,
    loss: impl for<'t> Fn(&'t Tape<Several<T>>, Var<'t, Several<T>>) -> Var<'t, Several<T>>,
) -> SparseMatrix<T> {
    let (n, [rows, columns]) = (x.numel(), sparsity.shape());
    ensure!([rows, columns] == [n, n], "sparse_hessian: a sparsity of [{rows}, {columns}] is not one of [{n}, {n}]");
    let seeds: Tensor<T> = sparsity.seeds();
    let colors = seeds.shape()[1];
    let mut compressed = Tensor::zeros([n, colors]);
    for first in (0..colors).step_by(DIRECTIONS) {
        let some = first..colors.min(first + DIRECTIONS);
        compressed.slice_assign(1, first, &hessian_times(x, &seeds.slice(1, some), &loss));
    }
    sparsity.decompress(&compressed)
}

/// The Hessian times a matrix of a few columns.
#[track_caller]
fn hessian_times<T: Real>(
    x: &Tensor<T>,
    directions: &Tensor<T>,
    loss: &impl for<'t> Fn(&'t Tape<Several<T>>, Var<'t, Several<T>>) -> Var<'t, Several<T>>,
) -> Tensor<T> {
    let (x, directions) = (x.contiguous(), directions.contiguous());
    let (values, columns) = (x.as_slice().expect("contiguous"), directions.shape()[1]);
    let along = directions.as_slice().expect("contiguous");
    let number = |i: usize| {
        let tangent = |k: usize| if k < columns { along[i * columns + k] } else { T::ZERO };
        Tangents { value: values[i], tangents: std::array::from_fn(tangent) }
    };
    let tape = KeptTape::take();
    let input = tape.variable(&Tensor::from_fn(x.shape(), number));
    let loss = loss(&tape, input);
    let shape = loss.shape();
    ensure!(shape.numel() == 1, "hessian: a loss has one element, this value has shape {shape}");
    let gradient = Gradients::backward(loss, Tensor::ones(shape)).wrt(input);
    let gradient = gradient.as_slice().expect("a gradient is contiguous");
    Tensor::from_fn([values.len(), columns], |i| gradient[i / columns].tangents[i % columns])
}
