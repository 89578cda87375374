//! The loss of a model on a batch, with the weights and lengths of its examples.

use crate::context::Context;
use crate::data::dataset::Dataset;
use crate::data::examples::OnTape;
use crate::data::parts::valid_rows;
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use unspool_autograd::{Scalar, Scope, Tape, Var};

/// The context of a batch.
pub(crate) fn context<X: OnTape<T>, Y: OnTape<T>, T: Scalar>(batch: &Dataset<X, Y>, mode: Mode) -> Context<'_> {
    let cx = Context::from(mode);
    batch.lengths().map_or(cx, |lengths| cx.with_lengths(lengths))
}

/// The output of the bound model for a batch.
#[track_caller]
pub(crate) fn output<'t, T, M, X, Y>(
    tape: &'t Tape<T>,
    net: &M::With<Var<'t, T>>,
    batch: &Dataset<X, Y>,
    mode: Mode,
) -> Var<'t, T>
where
    T: Scalar,
    M: Model<T, X>,
    X: OnTape<T>,
    Y: OnTape<T>,
{
    let cx = context::<X, Y, T>(batch, mode);
    M::output(net, batch.x().bind(tape, cx), cx)
}

/// The loss of the bound model on a batch: the mean over its examples, or over their valid steps if
/// the targets are sequences of different lengths; a weighted mean if the examples have weights.
#[track_caller]
pub(crate) fn batch_loss<'t, T, M, X, Y, L>(
    tape: &'t Tape<T>,
    net: &M::With<Var<'t, T>>,
    batch: &Dataset<X, Y>,
    loss: &L,
    mode: Mode,
) -> Var<'t, T>
where
    T: Scalar,
    M: Model<T, X>,
    X: OnTape<T>,
    Y: OnTape<T>,
    L: Loss<T, Y>,
{
    loss_on(output::<T, M, X, Y>(tape, net, batch, mode), batch, loss)
}

/// The same for outputs that are already computed.
#[track_caller]
pub(crate) fn loss_on<'t, T, X, Y, L>(output: Var<'t, T>, batch: &Dataset<X, Y>, loss: &L) -> Var<'t, T>
where
    T: Scalar,
    X: OnTape<T>,
    Y: OnTape<T>,
    L: Loss<T, Y>,
{
    let _scope = loss_scope(output.tape());
    match (batch.weights(), batch.target_lengths()) {
        (Some(weights), _) => weighted(output, batch, weights, loss),
        (None, Some(lengths)) if batch.y().time().is_some_and(|time| lengths.iter().any(|&length| length < time)) => {
            let output = valid_steps(output, batch.y(), lengths);
            loss(output, bound(&batch.y().valid_steps(lengths), output))
        }
        (None, _) => loss(output, bound(batch.y(), output)),
    }
}

/// On a tape that keeps all values, the scope of the loss: what the library's own losses compute has no line in the
/// program.
pub(crate) fn loss_scope<T: Scalar>(tape: &Tape<T>) -> Option<Scope<'_>> {
    tape.keeps_all().then(|| tape.scope(LOSS))
}

/// The name of that scope.
pub(crate) const LOSS: &str = "loss";

/// Targets on the tape of an output.
#[track_caller]
pub(crate) fn bound<'t, T: Scalar, Y: OnTape<T>>(targets: &Y, output: Var<'t, T>) -> Y::Bound<'t> {
    targets.bind(output.tape(), Context::default())
}

/// The steps of an output `[T, B, F]` that are not padding: `[N, F]`.
#[track_caller]
pub(crate) fn valid_steps<'t, T: Scalar, Y: OnTape<T>>(
    output: Var<'t, T>,
    targets: &Y,
    lengths: &[usize],
) -> Var<'t, T> {
    same_steps(output, targets);
    let [time, batch, features] = output.shape()[..] else {
        fail!("loss: the output {} must be [T, B, F], as there is a target for each step", output.shape())
    };
    output.reshape([time * batch, features]).index_select(0, valid_rows(lengths, time))
}

#[track_caller]
fn same_steps<T: Scalar, Y: OnTape<T>>(output: Var<'_, T>, targets: &Y) {
    let (o, t) = (output.shape(), targets.describe());
    let fits = o.rank() == 3 && targets.time() == Some(o[0]) && targets.examples() == Some(o[1]);
    if !fits {
        let cure = if o.rank() == 2 { ": add .return_sequences() to the last recurrent layer" } else { "" };
        fail!("loss: output {o} does not have the time steps and sequences of target {t}{cure}");
    }
}

/// The weighted mean of the losses of single examples.
#[track_caller]
fn weighted<'t, T, X, Y, L>(output: Var<'t, T>, batch: &Dataset<X, Y>, weights: &[f64], loss: &L) -> Var<'t, T>
where
    T: Scalar,
    X: OnTape<T>,
    Y: OnTape<T>,
    L: Loss<T, Y>,
{
    let lengths = batch.target_lengths();
    if lengths.is_some() {
        same_steps(output, batch.y());
    }
    let axis = output.shape().rank() - 2;
    let mut sum: Option<Var<'t, T>> = None;
    for (i, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let (mut example, mut target) = (output.slice(axis, i..i + 1), batch.y().slice(i..i + 1));
        if let Some(lengths) = lengths {
            (example, target) = (example.slice(0, ..lengths[i]), target.steps(0..lengths[i]));
        }
        let steps = lengths.map_or(1, |lengths| lengths[i]) as f64;
        let term = loss(example, bound(&target, output)) * (weight * (steps / batch.loss_count()));
        sum = Some(sum.map_or(term, |sum| sum + term));
    }
    // Without any weight the loss is an empty sum, which still has gradients: zeros.
    sum.unwrap_or_else(|| output.slice(0, ..0).sum())
}
