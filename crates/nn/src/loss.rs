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
    same_shape("mse", output, target);
    (output - target).square().mean()
}

/// The mean absolute error, `mean(|output - target|)` over all elements.
///
/// ```
/// use unspool_nn::mae;
/// use unspool_autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let output = tape.constant(&Tensor::from_vec(vec![1.0, 2.0], [2, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 5.0], [2, 1]));
/// assert_eq!(mae(output, target).item(), 1.5);
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn mae<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    same_shape("mae", output, target);
    (output - target).abs().mean()
}

/// The Huber loss, a function for [`Fit::loss`](crate::Fit::loss): with `e = |output - target|`, the mean of `e²/2`
/// where `e <= delta`, and of `delta (e - delta/2)` beyond.
///
/// Huber 1964, "Robust estimation of a location parameter".
///
/// ```
/// use unspool_nn::huber;
/// use unspool_autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let output = tape.constant(&Tensor::from_vec(vec![1.0, 2.0], [2, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![2.0, 5.0], [2, 1]));
/// assert_eq!(huber(1.0)(output, target).item(), 0.5 * (0.5 + 2.5));
/// ```
///
/// # Panics
/// If `delta` is not greater than 0. The function panics if the shapes differ (a closure cannot tell its caller's line).
#[track_caller]
pub fn huber<T: Scalar>(delta: f64) -> impl for<'t> Fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T> + Send + Sync {
    assert!(delta > 0.0, "huber: delta is {delta}, it must be greater than 0");
    move |output, target| {
        same_shape("huber", output, target);
        let error = output - target;
        // c² / 2 + delta (e - c), with c the error cut off at delta: both cases at once.
        let cut = error.clamp(-delta, delta);
        (cut.square() * 0.5 + (error.abs() - cut.abs()) * delta).mean()
    }
}

/// The binary cross-entropy of scores before the logistic function, `-t ln s - (1 - t) ln(1 - s)` with
/// `s = sigmoid(output)`, averaged over all elements. Computed as
/// `t softplus(-output) + (1 - t) softplus(output)`: finite for every finite score, and exact where it is small. Targets are between 0 and 1.
///
/// ```
/// use unspool_nn::bce_with_logits;
/// use unspool_autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::from_vec(vec![0.0, 1e4, -1e4], [3, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 1.0, 0.0], [3, 1]));
/// assert!((bce_with_logits(scores, target).item() - 2f32.ln() / 3.0).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn bce_with_logits<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    same_shape("bce_with_logits", output, target);
    (target * (-output).softplus() + (1.0 - target) * output.softplus()).mean()
}

#[track_caller]
pub(crate) fn same_shape<T: Scalar>(loss: &str, output: Var<'_, T>, target: Var<'_, T>) {
    let (o, t) = (output.shape(), target.shape());
    assert!(o == t, "{loss}: output {o} and target {t} differ in shape");
}
