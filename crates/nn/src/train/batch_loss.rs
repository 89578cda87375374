//! The loss of a model on a batch, with the weights and lengths of its examples.

use crate::data::dataset::Dataset;
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::mode::Mode;
use unspool_autograd::{Scalar, Tape, Var};

/// The loss of the bound model on a batch: the mean over its examples, or over their valid steps if
/// the targets are sequences of different lengths; a weighted mean if the examples have weights.
#[track_caller]
pub(crate) fn batch_loss<'t, T, M, L>(
    tape: &'t Tape<T>,
    net: &M::With<Var<'t, T>>,
    batch: &Dataset<T>,
    loss: &L,
    mode: Mode,
) -> Var<'t, T>
where
    T: Scalar,
    M: Model<'t, T>,
    L: Loss<T>,
{
    loss_on(M::output(net, tape.constant(batch.x()), batch.lengths(), mode), batch, loss)
}

/// The same for outputs that are already computed.
#[track_caller]
pub(crate) fn loss_on<'t, T: Scalar>(output: Var<'t, T>, batch: &Dataset<T>, loss: &impl Loss<T>) -> Var<'t, T> {
    let target = output.tape().constant(batch.y());
    match (batch.weights(), batch.target_lengths()) {
        (Some(weights), _) => weighted(output, target, batch, weights, loss),
        (None, None) => loss(output, target),
        (None, Some(lengths)) => {
            let [output, target] = valid_steps(output, target, lengths);
            loss(output, target)
        }
    }
}

/// Output and target without padding.
#[track_caller]
pub(crate) fn valid_steps<'t, T: Scalar>(output: Var<'t, T>, target: Var<'t, T>, lengths: &[usize]) -> [Var<'t, T>; 2] {
    same_steps(output, target);
    [output, target].map(|of| without_padding(of, lengths))
}

#[track_caller]
fn same_steps<T: Scalar>(output: Var<'_, T>, target: Var<'_, T>) {
    let (o, t) = (output.shape(), target.shape());
    assert!(o[..o.rank() - 1] == t[..2], "loss: output {o} does not have the time steps and sequences of target {t}");
}

/// The valid steps of sequences `[T, B, F]`: `[N, F]`.
fn without_padding<'t, T: Scalar>(of: Var<'t, T>, lengths: &[usize]) -> Var<'t, T> {
    let [time, batch, features] = of.shape()[..] else { unreachable!("the caller has checked the rank") };
    if lengths.iter().all(|&length| length == time) {
        return of;
    }
    let valid = (0..time * batch).filter(|row| row / batch < lengths[row % batch]);
    of.reshape([time * batch, features]).index_select(0, valid.collect::<Vec<_>>())
}

/// The weighted mean of the losses of single examples.
#[track_caller]
fn weighted<'t, T: Scalar>(
    output: Var<'t, T>,
    target: Var<'t, T>,
    batch: &Dataset<T>,
    weights: &[f64],
    loss: &impl Loss<T>,
) -> Var<'t, T> {
    let lengths = batch.target_lengths();
    if lengths.is_some() {
        same_steps(output, target);
    }
    let example = |of: Var<'t, T>, i: usize| {
        let of = lengths.map_or(of, |lengths| of.slice(0, ..lengths[i]));
        of.slice(of.shape().rank() - 2, i..i + 1)
    };
    let mut sum: Option<Var<'t, T>> = None;
    for (i, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        let steps = lengths.map_or(1, |lengths| lengths[i]) as f64;
        let term = loss(example(output, i), example(target, i)) * (weight * (steps / batch.loss_count()));
        sum = Some(sum.map_or(term, |sum| sum + term));
    }
    // Without any weight the loss is an empty sum, which still has gradients: zeros.
    sum.unwrap_or_else(|| output.slice(0, ..0).sum())
}
