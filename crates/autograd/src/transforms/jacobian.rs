//! Jacobians of functions of tensors.

use super::reuse::KeptTape;
use crate::gradients::Gradients;
use crate::params::{Params, ParamsExt, Path};
use crate::tape::{Tape, Var, forward, push_forward};
use unspool_tensor::{Forward, Scalar, Tensor};

/// The Jacobian of a function of one tensor, by forward mode: a matrix `[outputs, inputs]`, both in row-major
/// order.
///
/// The function runs once. Then each op that depends on the tensor runs again over
/// [`Tangents`](unspool_tensor::Tangents), which carry the derivatives by several inputs at once; what does not
/// depend on it is not computed again. The cost grows with the number of inputs, not with that of outputs: for
/// more inputs than outputs, [`jacrev`] is faster.
///
/// ```
/// use unspool::Tensor;
/// use unspool::autograd::jacfwd;
/// let x = Tensor::from_slice(&[2.0, 3.0], [2]);
/// let j = jacfwd(&x, |_, x| x.square());
/// assert_eq!(j, Tensor::from_slice(&[4.0, 0.0, 0.0, 6.0], [2, 2]));
/// ```
///
/// Data of the function goes to its tape by [`Tape::data`]. Derivatives in chosen directions: [`jvps`]; of a
/// Jacobian of which most is zero: [`sparse_jacobian`](crate::sparse_jacobian).
#[track_caller]
pub fn jacfwd<T: Scalar>(
    x: &Tensor<T>,
    function: impl for<'t> Fn(&'t Tape<Forward<T>>, Var<'t, Forward<T>>) -> Var<'t, Forward<T>>,
) -> Tensor<T> {
    jacobian_times(x, &identity(x.numel()), function)
}

/// The Jacobian times a matrix `[inputs, directions]`.
#[track_caller]
pub(super) fn jacobian_times<T: Scalar>(
    x: &Tensor<T>,
    directions: &Tensor<T>,
    function: impl for<'t> Fn(&'t Tape<Forward<T>>, Var<'t, Forward<T>>) -> Var<'t, Forward<T>>,
) -> Tensor<T> {
    let tape = KeptTape::take();
    let input = tape.variable(&forward(x));
    push_forward(function(&tape, input), &[(input, directions.clone())])
}

/// The value of a function of a model, and how fast it changes as the model's parameters move along each of
/// some directions: [`jvp`](crate::jvp) for many directions in one pass. [Buffers](Params#buffers) do not move.
///
/// ```
/// use unspool::autograd::jvps;
/// use unspool::{Params, Tensor};
///
/// #[derive(Params)]
/// struct Point<P> { x: P }
///
/// let point = |x: [f64; 2]| Point { x: Tensor::from_slice(&x, [2]) };
/// let directions = [point([1.0, 0.0]), point([1.0, 1.0])];
/// let (value, tangents) = jvps(&point([3.0, 5.0]), &directions, |_, p| p.x.square());
/// assert_eq!(value.to_vec(), [9.0, 25.0]);
/// assert_eq!([tangents[0].to_vec(), tangents[1].to_vec()], [[6.0, 0.0], [6.0, 10.0]]);
/// ```
///
/// # Panics
/// If a tensor of a direction has another shape than that of `model`.
#[track_caller]
pub fn jvps<T: Scalar, M: Params<Tensor<T>>>(
    model: &M,
    directions: &[M],
    function: impl for<'t> Fn(&'t Tape<Forward<T>>, &M::With<Var<'t, Forward<T>>>) -> Var<'t, Forward<T>>,
) -> (Tensor<T>, Vec<Tensor<T>>) {
    let leaves = model.leaves();
    let directions: Vec<Vec<&Tensor<T>>> = directions.iter().map(ParamsExt::leaves).collect();
    for (leaf, along) in directions.iter().flat_map(|direction| leaves.iter().zip(direction)) {
        let (leaf, along) = (leaf.shape(), along.shape());
        ensure!(leaf == along, "direction: a parameter of shape {leaf} cannot move along {along}");
    }
    let tape = KeptTape::take();
    let mut variables = Vec::with_capacity(leaves.len());
    let net = model.map_leaves(Path::ROOT, &mut |path, leaf| {
        let var = tape.bind_leaf(path, &forward(leaf), !path.is_buffer());
        if !path.is_buffer() {
            variables.push(var);
        }
        var
    });
    let y = function(&tape, &net);
    let (shape, values) = (y.shape(), y.value().contiguous());
    let values = values.as_slice().expect("contiguous");
    let value = Tensor::from_fn(shape, |i| values[i].0);
    if directions.is_empty() {
        return (value, Vec::new());
    }
    let columns = |i: usize| {
        let flat: Vec<_> = directions.iter().map(|direction| direction[i].reshape([direction[i].numel()])).collect();
        Tensor::stack(1, &flat)
    };
    let seeds: Vec<_> = variables.iter().enumerate().map(|(i, &var)| (var, columns(i))).collect();
    let matrix = push_forward(y, &seeds);
    let tangents = (0..directions.len()).map(|k| matrix.select(1, k).contiguous().reshape(shape));
    (value, tangents.collect())
}

/// The Jacobian of a function of one tensor, by reverse mode: a matrix `[outputs, inputs]`, both in row-major
/// order.
///
/// One forward pass, and a backward pass for each element of the output: for few outputs of many inputs. A
/// function that does not depend on the tensor has the Jacobian 0.
///
/// ```
/// use unspool::Tensor;
/// use unspool::autograd::jacrev;
/// let x = Tensor::from_slice(&[2.0, 3.0], [2]);
/// let j = jacrev(&x, |_, x| x.square());
/// assert_eq!(j, Tensor::from_slice(&[4.0, 0.0, 0.0, 6.0], [2, 2]));
/// ```
#[track_caller]
pub fn jacrev<T: Scalar>(x: &Tensor<T>, function: impl for<'t> Fn(&'t Tape<T>, Var<'t, T>) -> Var<'t, T>) -> Tensor<T> {
    let tape = KeptTape::take();
    let input = tape.variable(x);
    let y = function(&tape, input);
    let (outputs, inputs) = (y.shape().numel(), x.numel());
    let mut rows = Tensor::zeros([outputs, inputs]);
    for i in 0..outputs {
        let one = Tensor::from_fn(y.shape(), |at| if at == i { T::ONE } else { T::ZERO });
        rows.slice_assign(0, i, &Gradients::backward(y, one).wrt(input).reshape([1, inputs]));
    }
    rows
}

/// The matrix `[n, n]` with ones on its diagonal.
pub(super) fn identity<T: Scalar>(n: usize) -> Tensor<T> {
    Tensor::from_fn([n, n], |i| if i % (n + 1) == 0 { T::ONE } else { T::ZERO })
}
