//! Losses: how far an output is from its target.

use crate::data::examples::OnTape;
use unspool_autograd::{Scalar, Tensor, Var, elementwise};

/// A loss function: one number from an output and its target, averaged over all their elements.
///
/// Every function or closure of this form is a loss. [`fit`](crate::train::fit) relies on the
/// average: it computes a batch in shards and weights their losses by their sizes. Write a closure
/// right where it is passed, as in `.loss(|output, target| (output - target).abs().mean())`: bound
/// with `let` first, its type is that of one tape only.
///
/// ```
/// use unspool::losses::Loss;
/// use unspool::prelude::*;
/// /// Twice as much for an output that is too low.
/// fn pinball<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
///     let error = target - output;
///     (error + error.relu()).abs().mean()
/// }
/// fn takes(_: impl Loss<f32>) {}
/// takes(pinball);
/// takes(|output, target| (output - target).abs().mean());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a loss of output and target",
    note = "call `.loss(..)` with a function such as `mse`, or a closure `|output, target| ..` written right there, which returns a `Var`"
)]
pub trait Loss<T: Scalar, Y: OnTape<T> = Tensor<T>>: for<'t> Fn(Var<'t, T>, Y::Bound<'t>) -> Var<'t, T> + Sync {}

#[diagnostic::do_not_recommend]
impl<T: Scalar, Y: OnTape<T>, L> Loss<T, Y> for L where L: for<'t> Fn(Var<'t, T>, Y::Bound<'t>) -> Var<'t, T> + Sync {}

/// The mean squared error, `mean((output - target)²)` over all elements.
///
/// ```
/// use unspool::{Tape, Tensor, mse};
/// let tape = Tape::new();
/// let output = tape.constant(&Tensor::from_vec(vec![1.0, 2.0], [2, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 4.0], [2, 1]));
/// assert_eq!(mse(output, target).item(), 2.0);
/// ```
///
/// # Panics
/// If the shapes differ. (They do not broadcast: `[B, 1]` against `[B]` would compare every pair.)
#[track_caller]
pub fn mse<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>) -> Var<'t, T> {
    same_shape("mse", output, target);
    (output - target).square().mean()
}

/// The mean absolute error, `mean(|output - target|)` over all elements.
///
/// ```
/// use unspool::losses::mae;
/// use unspool::{Tape, Tensor};
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

elementwise! {
    /// Huber's function of an error. Its derivative is the error itself, clamped: nothing cancels,
    /// however small the error is.
    struct Huber { delta } = "huber";
    value: |e| if e.abs() <= delta { T::from_f64(0.5) * e * e } else { delta * (e.abs() - T::from_f64(0.5) * delta) };
    derivative: |e, _| if e > delta { delta } else if e < -delta { -delta } else { e };
}

/// The Huber loss, as a function for [`Fit::loss`](crate::train::Fit::loss): the mean over all
/// elements of `e²/2` where `e = |output - target|` is at most `delta`, and of
/// `delta (e - delta/2)` elsewhere. With an infinite `delta` it is half of [`mse`].
///
/// Huber 1964, "Robust estimation of a location parameter".
///
/// ```
/// use unspool::losses::huber;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let output = tape.constant(&Tensor::from_vec(vec![1.0, 2.0], [2, 1]));
/// let target = tape.constant(&Tensor::from_vec(vec![2.0, 5.0], [2, 1]));
/// assert_eq!(huber(1.0)(output, target).item(), 0.5 * (0.5 + 2.5));
/// ```
///
/// # Panics
/// If `delta` is not greater than 0. The returned function panics if the shapes differ (as a
/// closure, it cannot report its caller's line).
#[track_caller]
pub fn huber<T: Scalar>(delta: f64) -> impl for<'t> Fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T> + Send + Sync {
    ensure!(delta > 0.0, "huber: delta must be greater than 0, not {delta}");
    move |output, target| {
        same_shape("huber", output, target);
        output.tape().apply(Huber { delta }, &[output - target]).mean()
    }
}

/// The binary cross-entropy of scores (logits), `-t ln s - (1 - t) ln(1 - s)` with
/// `s = sigmoid(output)`, averaged over all elements. It is computed as
/// `t softplus(-output) + (1 - t) softplus(output)`, which is finite for every finite score and
/// exact where it is small. Targets are between 0 and 1; for a target of 0 or 1, the score may be
/// minus or plus infinity.
///
/// ```
/// use unspool::losses::bce_with_logits;
/// use unspool::{Tape, Tensor};
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
    (weighted(target, (-output).softplus()) + weighted(1.0 - target, output.softplus())).mean()
}

/// [`bce_with_logits`] with the terms of true labels multiplied by `pos_weight`, as a function for
/// [`Fit::loss`](crate::train::Fit::loss): the mean of `-p t ln s - (1 - t) ln(1 - s)`.
/// `pos_weight` broadcasts against the scores: `[C]` has a weight for each of `C` labels. For rare
/// labels, a common choice is the ratio of negative to positive examples.
///
/// PyTorch's `binary_cross_entropy_with_logits(.., pos_weight=..)`.
///
/// ```
/// use unspool::losses::weighted_bce_with_logits;
/// use unspool::{Tape, Tensor};
/// let tape = Tape::new();
/// let scores = tape.constant(&Tensor::<f32>::zeros([2, 2]));
/// let target = tape.constant(&Tensor::from_vec(vec![1.0, 0.0, 0.0, 1.0], [2, 2]));
/// let loss = weighted_bce_with_logits(&Tensor::from_vec(vec![3.0, 1.0], [2]));
/// assert!((loss(scores, target).item() - 1.5 * 2f32.ln()).abs() < 1e-6);
/// ```
///
/// # Panics
/// If a weight is negative or not finite. The returned function panics if the shapes of output and
/// target differ, or that of the weights does not broadcast to theirs (as a closure, it cannot
/// report its caller's line).
#[track_caller]
pub fn weighted_bce_with_logits<T: Scalar>(
    pos_weight: &Tensor<T>,
) -> impl for<'t> Fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T> + Send + Sync + use<T> {
    let pos_weight = pos_weight.clone();
    let wrong = pos_weight.to_vec().into_iter().find(|&weight| !(weight >= T::ZERO && weight.is_finite()));
    ensure!(
        wrong.is_none(),
        "weighted_bce_with_logits: a weight is {}; it must be finite and not negative",
        wrong.unwrap_or(T::ZERO)
    );
    move |output, target| {
        const NAME: &str = "weighted_bce_with_logits";
        same_shape(NAME, output, target);
        let (shape, given) = (output.shape(), pos_weight.shape());
        ensure!(shape.broadcast(&given) == Some(shape), "{NAME}: weights {given} do not broadcast to scores {shape}");
        let positive = weighted(target * output.tape().constant(&pos_weight), (-output).softplus());
        (positive + weighted(1.0 - target, output.softplus())).mean()
    }
}

elementwise! {
    struct Weighted = "weighted";
    value: |[weight, term]| if weight == T::ZERO { T::ZERO } else { weight * term };
    gradients: |[weight, term], _, dy| [dy * term, dy * weight];
}

/// `weight term`, and 0 where the weight is 0, whatever the term: the logarithm of an impossible
/// event is infinite, but does not matter where the event does not happen (`0 ln 0 = 0`).
#[track_caller]
pub(crate) fn weighted<'t, T: Scalar>(weight: Var<'t, T>, term: Var<'t, T>) -> Var<'t, T> {
    weight.tape().apply(Weighted, &[weight, term])
}

#[track_caller]
pub(crate) fn same_shape<T: Scalar>(loss: &str, output: Var<'_, T>, target: Var<'_, T>) {
    let (o, t) = (output.shape(), target.shape());
    if o != t {
        fail!("{loss}: output {o} and target {t} differ in shape{}", cure(&o, &t));
    }
}

/// What to change if the output and the target of a loss differ by an axis.
#[cold]
fn cure(output: &[usize], target: &[usize]) -> String {
    let one_feature = |of: &str, axis: usize| format!(": unsqueeze({axis}) gives the {of} an axis of one feature");
    match (output, target) {
        ([axes @ .., 1], _) if axes == target => one_feature("target", axes.len()),
        (_, [axes @ .., 1]) if axes == output => one_feature("output", axes.len()),
        ([_, step @ ..], _) if step == target && step.len() == 2 => {
            ": the output has all time steps, leave out .return_sequences() in the last recurrent layer".to_owned()
        }
        (_, [_, step @ ..]) if step == output && step.len() == 2 => {
            ": the target has all time steps, add .return_sequences() to the last recurrent layer".to_owned()
        }
        _ => String::new(),
    }
}
