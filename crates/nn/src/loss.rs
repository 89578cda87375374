//! Losses: how far an output is from its target.

use unspool_autograd::{Scalar, Var};

/// A loss function: one number from an output and its target, averaged over all their elements.
///
/// Every function or closure of this form is one. [`fit`](crate::fit) relies on the average: it computes parts
/// of a batch apart and weights their losses by their size. A closure must be written where it is given, as in
/// `.loss(|output, target| (output - target).abs().mean())`: bound by `let` first, it works for one tape only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a loss of output and target",
    note = "call `.loss(..)` with a function such as `mse`, or a closure `|output, target| ..` written right there"
)]
pub trait Loss<T: Scalar>: for<'t> Fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T> + Sync {}

impl<T: Scalar, L: for<'t> Fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T> + Sync> Loss<T> for L {}

/// The mean squared error, `mean((output - target)²)` over all elements.
///
/// ```
/// use unspool_nn::mse;
/// use unspool_autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let output = tape.constant(&Tensor::from_vec(vec![1.0, 2.0], [2, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 4.0], [2, 1]));
/// assert_eq!(mse(output, target).item(), 2.0);
/// ```
///
/// # Panics
/// If the shapes differ. (They are not broadcast: `[B, 1]` against `[B]` would compare every pair.)
#[track_caller]
pub fn mse<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    let (o, t) = (output.shape(), target.shape());
    assert!(o == t, "mse: output {o} and target {t} differ in shape");
    (output - target).square().mean()
}
