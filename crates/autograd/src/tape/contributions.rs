//! Which part of a gradient comes from which ops.

use super::accumulator::Accumulator;
use super::backward::run_rule;
use super::record::Record;
use super::{Tape, Var};
use std::ops::Range;
use unspool_tensor::{Scalar, Tensor};

/// What the ops that computed the values in a range of ids add to the gradient of each leaf.
/// `complete` has the gradients of these values; `sums` is empty, before and after.
pub(crate) fn contributions<'t, T: Scalar>(
    tape: &'t Tape<T>,
    complete: &Accumulator<T>,
    range: Range<usize>,
    sums: &mut Accumulator<T>,
) -> Vec<(Var<'t, T>, Tensor<T>)> {
    let record = &*tape.record.borrow();
    let is_variable = |id: u32| record.nodes[id as usize].is_leaf() && record.nodes[id as usize].needs_gradient();
    let mut found: Vec<(Var<'t, T>, Tensor<T>)> = Vec::new();
    let end = range.end.min(record.nodes.len());
    for id in (range.start as u32..end as u32).rev() {
        let inputs = record.inputs_of(id);
        if !inputs.iter().any(|&input| is_variable(input)) {
            continue;
        }
        let Some(grad) = complete.get(id) else { continue };
        // What reaches the other inputs is in their complete gradients already.
        for (input, part) in of_op(record, id, grad.clone(), sums).into_iter().filter(|&(input, _)| is_variable(input))
        {
            match found.iter_mut().find(|(var, _)| var.id() == input) {
                Some((_, sum)) => sum.update(&part, |sum, part| sum + part),
                None => found.push((Var::new(tape, input, record.epoch), part)),
            }
        }
    }
    found
}

/// What the op of value `id`, given the gradient `grad`, adds to the gradients of its inputs. `sums` is empty,
/// before and after.
pub(crate) fn of_op<T: Scalar>(
    record: &Record<T>,
    id: u32,
    grad: Tensor<T>,
    sums: &mut Accumulator<T>,
) -> Vec<(u32, Tensor<T>)> {
    sums.reserve(id);
    run_rule(sums, record, (id, record.nodes[id as usize].op()), grad);
    let mut parts = Vec::new();
    for &input in record.inputs_of(id) {
        sums.settle(input);
        parts.extend(sums.take(input, false).map(|part| (input, part)));
    }
    parts
}
