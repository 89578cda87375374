//! Derivatives of functions: Jacobians, Hessians, and their products with vectors.
//!
//! The same gradient rules run over [`Dual`] numbers: each value carries its tangent along, so a
//! forward pass over duals gives a Jacobian-vector product, and the gradients of a backward pass
//! over duals have Hessian-vector products as their tangents. Exact to rounding, at about twice the
//! cost of the plain computation. Numbers with several tangents do the same for several directions.
//!
//! The tapes are kept from call to call: a call that repeats an earlier one takes no new memory.
//! Data of a function goes to its tape by [`Tape::data`].

mod hessian;
mod jacobian;
mod reuse;
mod sparse;

pub use hessian::{hessian, hessian_diagonal, sparse_hessian};
pub use jacobian::{jacfwd, jacrev, jvps};
pub use sparse::{SparseMatrix, Sparsity, sparse_jacobian};

use crate::params::{Params, ParamsExt, Path};
use crate::tape::{Tape, Var};
use reuse::KeptTape;
use unspool_tensor::{Dual, Scalar, Tensor};

/// A model of dual numbers, of the same kind as `M`.
type DualModel<M, T> = <M as Params<Tensor<T>>>::With<Tensor<Dual<T>>>;
/// The same, bound to a tape.
type DualNet<'t, M, T> = <DualModel<M, T> as Params<Tensor<Dual<T>>>>::With<Var<'t, Dual<T>>>;

/// The value of a function of a model, and its Jacobian times a direction: how fast the value
/// changes as the model's parameters move along `direction`. [Buffers](Params#buffers) do not move.
///
/// ```
/// use unspool::autograd::jvp;
/// use unspool::{Params, Tensor};
///
/// #[derive(Params)]
/// struct Point<P> { x: P }
///
/// let point = |x: [f64; 2]| Point { x: Tensor::from_slice(&x, [2]) };
/// let (value, tangent) = jvp(&point([3.0, 5.0]), &point([1.0, 0.0]), |_, p| p.x.square());
/// assert_eq!((value.to_vec(), tangent.to_vec()), (vec![9.0, 25.0], vec![6.0, 0.0]));
/// ```
///
/// # Panics
/// If a tensor of `direction` has another shape than that of `model`.
#[track_caller]
pub fn jvp<T: Scalar, M: Params<Tensor<T>>>(
    model: &M,
    direction: &M,
    function: impl for<'t> Fn(&'t Tape<Dual<T>>, &DualNet<'t, M, T>) -> Var<'t, Dual<T>>,
) -> (Tensor<T>, Tensor<T>) {
    let model = join(model, direction);
    let tape = KeptTape::take();
    let value = function(&tape, &tape.bind_frozen(&model)).value();
    (value.values(), value.tangents())
}

/// The value of a function of a model, and a vector times its Jacobian: how the sum of the value's
/// elements times those of `seed` changes with each parameter. [`Var::backward_with`] is the same
/// for values on a tape.
///
/// ```
/// use unspool::autograd::vjp;
/// use unspool::{Params, Tensor};
///
/// #[derive(Params)]
/// struct Point<P> { x: P }
///
/// let point = Point { x: Tensor::from_slice(&[3.0, 5.0], [2]) };
/// let (value, gradient) = vjp(&point, &Tensor::from_slice(&[1.0, 10.0], [2]), |_, p| p.x.square());
/// assert_eq!((value.to_vec(), gradient.x.to_vec()), (vec![9.0, 25.0], vec![6.0, 100.0]));
/// ```
///
/// # Panics
/// If `seed` has another shape than the value, or the value depends on no parameter.
#[track_caller]
pub fn vjp<T: Scalar, M: Params<Tensor<T>>>(
    model: &M,
    seed: &Tensor<T>,
    function: impl for<'t> Fn(&'t Tape<T>, &M::With<Var<'t, T>>) -> Var<'t, T>,
) -> (Tensor<T>, M) {
    let tape = KeptTape::take();
    let net = tape.bind(model);
    let value = function(&tape, &net);
    let gradient = value.backward_with(seed).of(&net);
    (value.value(), gradient)
}

/// The gradient of a loss, and its Hessian times a direction: how fast the gradient changes as the
/// model's parameters move along `direction`. [Buffers](Params#buffers) do not move.
///
/// The leaves of a model need not all be weights: with the inputs as further leaves, the product
/// includes the mixed derivatives. The gradient of a *gradient penalty*, the squared norm of
/// `dL/dx`, with respect to the weights is twice the product along `(0, dL/dx)`:
///
/// ```
/// use unspool::autograd::hvp;
/// use unspool::{Params, ParamsExt, Tensor};
///
/// #[derive(Params)]
/// struct Critic<P> { weight: P, x: P }
///
/// // L = sum((x w)²), so dL/dx = 2 w sum(x w), and the penalty |dL/dx|² = 4 |w|² (x w)².
/// let critic = Critic { weight: Tensor::from_slice(&[1.0, 2.0], [2]), x: Tensor::from_slice(&[0.5, -1.0], [2]) };
/// let (gradient, _) = hvp(&critic, &critic.zeros_like(), |_, c| (c.x * c.weight).sum().square());
/// let along_x = Critic { weight: Tensor::zeros([2]), x: gradient.x };
/// let (_, product) = hvp(&critic, &along_x, |_, c| (c.x * c.weight).sum().square());
/// let penalty_gradient = product.weight.map(|p| 2.0 * p);
/// // d/dw of 4 |w|² s² with s = x w = -1.5:  8 s² w + 8 |w|² s x
/// assert_eq!(penalty_gradient.to_vec(), [18.0 - 30.0, 36.0 + 60.0]);
/// ```
///
/// Pearlmutter 1994, "Fast exact multiplication by the Hessian".
///
/// # Panics
/// If a tensor of `direction` has another shape than that of `model`; if the loss does not have one
/// element or depends on no parameter.
#[track_caller]
pub fn hvp<T: Scalar, M: Params<Tensor<T>>>(
    model: &M,
    direction: &M,
    loss: impl for<'t> Fn(&'t Tape<Dual<T>>, &DualNet<'t, M, T>) -> Var<'t, Dual<T>>,
) -> (M, M) {
    let model = join(model, direction);
    let tape = KeptTape::take();
    let net = tape.bind(&model);
    let gradient = loss(&tape, &net).backward().of(&net);
    let numbers = |of: fn(&Tensor<Dual<T>>) -> Tensor<T>| gradient.map_leaves(Path::ROOT, &mut |_, leaf| of(leaf));
    (numbers(Tensor::values), numbers(Tensor::tangents))
}

/// The model with the direction as the tangents of its parameters.
#[track_caller]
fn join<T: Scalar, M: Params<Tensor<T>>>(model: &M, direction: &M) -> DualModel<M, T> {
    let directions = direction.leaves();
    for (leaf, direction) in model.leaves().into_iter().zip(&directions) {
        let (leaf, direction) = (leaf.shape(), direction.shape());
        ensure!(leaf == direction, "direction: a parameter of shape {leaf} cannot move along {direction}");
    }
    let mut directions = directions.into_iter();
    model.map_leaves(Path::ROOT, &mut |path, leaf| {
        if path.is_buffer() {
            return leaf.with_tangents(&Tensor::zeros([]).expand(leaf.shape()));
        }
        leaf.with_tangents(directions.next().expect("two models of one type have the same leaves"))
    })
}
