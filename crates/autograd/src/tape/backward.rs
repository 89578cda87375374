//! The loop of the backward pass.

use super::accumulator::Accumulator;
use super::checkpoint::Pass;
use super::node::OpRef;
use super::op::{InputGrads, Inputs};
use super::profiler::Laps;
use super::record::Record;
use unspool_tensor::{Scalar, Tensor};

/// Passes `seed`, the gradient with respect to value `loss`, back to the variables it was made of.
/// `pass` counts the backward passes of the tape, from 0. Values before `since` pass nothing on.
///
/// Inputs come before what is made of them, so one walk from the last id to the first meets each
/// value when its gradient is complete. Nothing recurses. The values of a checkpointed segment are
/// made again before the walk enters it.
pub(crate) fn backward<T: Scalar>(
    record: &mut Record<T>,
    loss: u32,
    seed: Tensor<T>,
    pass: u32,
    since: u32,
    gradients: &mut Accumulator<T>,
) {
    if record.is_watched() {
        let mut laps = Laps::begin(record, loss + 1);
        walk(record, (loss, since), seed, gradients, |gradients, record, id| laps.step(gradients, record, id, pass));
        laps.end(record);
    } else {
        walk(record, (loss, since), seed, gradients, |gradients, record, id| step(gradients, record, id, pass));
    }
}

#[inline(always)]
fn walk<T: Scalar>(
    record: &mut Record<T>,
    (loss, since): (u32, u32),
    seed: Tensor<T>,
    gradients: &mut Accumulator<T>,
    mut step: impl FnMut(&mut Accumulator<T>, &Record<T>, u32),
) {
    gradients.start(loss, seed);
    let mut segments = Pass::over(record);
    let mut end = loss + 1;
    while end > since {
        let start = segments.enter(record, gradients, end);
        for id in (start.max(since)..end).rev() {
            step(gradients, record, id);
        }
        segments.leave(record, start);
        end = start;
    }
    if since > 0 {
        gradients.settle_all();
    }
}

/// Passes the gradient of value `id` on to what it was made of.
#[inline]
pub(super) fn step<T: Scalar>(gradients: &mut Accumulator<T>, record: &Record<T>, id: u32, pass: u32) {
    gradients.settle(id);
    let node = record.nodes[id as usize];
    if node.is_leaf() {
        return;
    }
    if let Some(grad) = gradients.take(id, record.retains(id, pass)) {
        run_rule(gradients, record, (id, node.op()), grad);
    }
}

/// Runs the gradient rule of the op that computed value `id`, whose gradient is `grad`.
#[inline]
pub(super) fn run_rule<T: Scalar>(
    gradients: &mut Accumulator<T>,
    record: &Record<T>,
    (id, op): (u32, OpRef),
    grad: Tensor<T>,
) {
    let inputs = Inputs { values: &record.values, ids: record.inputs_of(id), packed: &record.packed };
    let mut into = InputGrads { gradients, nodes: &record.nodes, inputs, least: record.least_gradient };
    record.ops.backward(op, inputs, &record.values[id as usize], grad, &mut into);
}
