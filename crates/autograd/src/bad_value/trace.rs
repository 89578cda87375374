//! The way back from a bad value to the first one.
//!
//! A NaN comes from a NaN operand, or was made here; an infinity likewise. So the walk visits what
//! is bad among the operands, and the first of the tape among those is where it began. A NaN that
//! was made of infinities is blamed on what made these, unless that is a constant without +inf: a
//! mask, which is meant.

use super::advice::advice;
use super::{BadValue, Cause, Consequence, NumberRange};
use crate::scope::dotted;
use crate::tape::{Accumulator, Record, of_op};
use std::cell::RefCell;
use unspool_tensor::{Scalar, Tensor};

/// The first bad value from which value `id` is bad, if it is.
pub(super) fn of_value<T: Scalar>(record: &Record<T>, id: u32) -> Option<BadValue> {
    Values::new(record).explain(id)
}

/// The first bad value from which the gradient of a variable is bad, if one is. `sums` are the
/// gradients of all values.
pub(super) fn of_gradients<T: Scalar>(record: &Record<T>, sums: &Accumulator<T>) -> Option<BadValue> {
    let kinds = (0..sums.len() as u32).map(|id| sums.get(id).map_or(Kind::Finite, kind)).collect();
    Gradients { record, sums, kinds }.explain()
}

/// What kind of number a tensor holds, the worst of all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Finite,
    Infinite,
    NaN,
}

fn kind<T: Scalar>(tensor: &Tensor<T>) -> Kind {
    let tensor = tensor.contiguous();
    let numbers = tensor.as_slice().expect("contiguous");
    // Whether all are finite is a loop without an early end, which is vectorized.
    if numbers.iter().fold(true, |all, x| all & x.to_f64().is_finite()) {
        Kind::Finite
    } else if numbers.iter().any(|x| x.to_f64().is_nan()) {
        Kind::NaN
    } else {
        Kind::Infinite
    }
}

pub(super) fn is_nan<T: Scalar>(tensor: &Tensor<T>) -> bool {
    kind(tensor) == Kind::NaN
}

/// The forward pass.
struct Values<'a, T: Scalar> {
    record: &'a Record<T>,
    /// Of each value that was looked at.
    kinds: RefCell<Vec<Option<Kind>>>,
}

impl<'a, T: Scalar> Values<'a, T> {
    fn new(record: &'a Record<T>) -> Self {
        Values { record, kinds: RefCell::new(vec![None; record.values.len()]) }
    }

    fn kind(&self, id: u32) -> Kind {
        *self.kinds.borrow_mut()[id as usize].get_or_insert_with(|| kind(&self.record.values[id as usize]))
    }

    /// Why value `id` is bad, if it is.
    fn explain(&self, id: u32) -> Option<BadValue> {
        match self.kind(id) {
            Kind::Finite => None,
            Kind::Infinite => Some(self.made(self.first_infinite(&[id]))),
            Kind::NaN => {
                let first = self.origins(&[id], |kind| kind == Kind::NaN)[0];
                let infinite = self.operands(first, |kind| kind == Kind::Infinite);
                let cause = (!infinite.is_empty()).then(|| self.first_infinite(&infinite));
                Some(match cause.filter(|&cause| !self.is_meant(cause)) {
                    Some(cause) => {
                        let (bad, then) = (self.made(cause), self.record.consequence(first, false));
                        // It may be the op that reads the parameter.
                        let is_other =
                            |then: &Consequence| (Some(then.op), Some(then.location)) != (bad.op, bad.location);
                        BadValue { then: then.filter(is_other), ..bad }
                    }
                    None => self.made(first),
                })
            }
        }
    }

    /// The operands of value `id` that are of a kind.
    fn operands(&self, id: u32, is: impl Fn(Kind) -> bool) -> Vec<u32> {
        self.record.inputs_of(id).iter().copied().filter(|&input| is(self.kind(input))).collect()
    }

    /// The values of a kind from which values `of` come and that have no operand of that kind, in the
    /// order of the tape.
    fn origins(&self, of: &[u32], is: impl Fn(Kind) -> bool + Copy) -> Vec<u32> {
        let (mut seen, mut origins) = (vec![false; self.record.values.len()], Vec::new());
        let mut todo = of.to_vec();
        while let Some(id) = todo.pop() {
            if std::mem::replace(&mut seen[id as usize], true) {
                continue;
            }
            let operands = self.operands(id, is);
            if operands.is_empty() {
                origins.push(id);
            }
            todo.extend(operands);
        }
        origins.sort_unstable();
        origins
    }

    /// The first value that made an infinity of finite numbers, or the first constant that holds one.
    fn first_infinite(&self, of: &[u32]) -> u32 {
        let origins = self.origins(of, |kind| kind != Kind::Finite);
        origins.iter().copied().find(|&id| !self.is_meant(id)).unwrap_or(origins[0])
    }

    /// Whether a value is a mask: a constant that is -inf somewhere, and never +inf.
    fn is_meant(&self, id: u32) -> bool {
        self.record.leaf(id) == Some(Cause::Constant) && self.record.range(id).max < f64::INFINITY
    }

    /// The bad value `id`, whose operands are not.
    fn made(&self, id: u32) -> BadValue {
        let (record, leaf) = (self.record, self.record.leaf(id));
        let bad =
            BadValue::in_tensor(leaf.unwrap_or(Cause::Forward), &record.values[id as usize]).expect("a bad value");
        if leaf.is_none() {
            let operands = record.inputs_of(id).iter().map(|&input| record.range(input)).collect();
            return record.placed(id, BadValue { operands, ..bad });
        }
        let reader = (id + 1..record.values.len() as u32).find(|&reader| record.inputs_of(reader).contains(&id));
        let bad = BadValue { operands: vec![record.range(id)], ..bad };
        match reader {
            Some(reader) => record.placed(reader, bad),
            None => advised::<T>(bad),
        }
    }
}

/// The backward pass.
struct Gradients<'a, T: Scalar> {
    record: &'a Record<T>,
    sums: &'a Accumulator<T>,
    /// Of each gradient.
    kinds: Vec<Kind>,
}

impl<T: Scalar> Gradients<'_, T> {
    fn explain(&self) -> Option<BadValue> {
        let ids = 0..self.kinds.len() as u32;
        let variables: Vec<u32> = ids.filter(|&id| self.record.nodes[id as usize].is_leaf()).collect();
        let worst = variables.iter().map(|&id| self.kinds[id as usize]).max().filter(|&worst| worst > Kind::Finite)?;
        Some(self.made(self.first(&variables, worst)))
    }

    /// The first value of the walk with a gradient at least as bad as `least` that reaches one of the
    /// values `to`.
    fn first(&self, to: &[u32], least: Kind) -> u32 {
        let mut reaches = vec![false; self.kinds.len()];
        to.iter().for_each(|&id| reaches[id as usize] = true);
        let mut first = 0;
        for id in 0..self.kinds.len() as u32 {
            let reaches_input = self.record.inputs_of(id).iter().any(|&input| reaches[input as usize]);
            reaches[id as usize] = (reaches[id as usize] || reaches_input) && self.kinds[id as usize] >= least;
            if reaches[id as usize] {
                first = id;
            }
        }
        first
    }

    /// The bad gradient of value `id`; those of what was computed from it are better.
    fn made(&self, id: u32) -> BadValue {
        let record = self.record;
        let mut scratch = Accumulator::default();
        let mut parts = Vec::new();
        for consumer in (id + 1..self.kinds.len() as u32).rev().filter(|&c| record.inputs_of(c).contains(&id)) {
            let Some(grad) = self.sums.get(consumer) else { continue };
            let of_inputs = of_op(record, consumer, grad.clone(), &mut scratch);
            parts.extend(of_inputs.into_iter().filter(|&(input, _)| input == id).map(|(_, part)| (consumer, part)));
        }
        let worst = parts.iter().map(|(_, part)| kind(part)).max().unwrap_or(Kind::Finite);
        let Some((op, part)) = parts.iter().find(|(_, part)| kind(part) == worst && worst > Kind::Finite) else {
            return self.sum(id, &parts);
        };
        let then = record.consequence(*op, true).map(|then| Consequence { value: bad_number(part), ..then });
        // Not the gradient's rule: it was given an infinity.
        if self.kinds[*op as usize] > Kind::Finite {
            return BadValue { then, ..self.made(self.first(&[*op], Kind::Infinite)) };
        }
        let values = Values::new(record);
        let read = record.inputs_of(*op).iter().copied().chain([*op]);
        let bad = read.filter(|&id| values.kind(id) > Kind::Finite).max_by_key(|&id| values.kind(id));
        let is_mask = |bad: &BadValue| bad.value.is_infinite() && bad.operands[0].max < f64::INFINITY;
        let is_meant = |bad: &BadValue| bad.cause == Cause::Constant && is_mask(bad);
        if let Some(cause) = bad.and_then(|id| values.explain(id)).filter(|bad| !is_meant(bad)) {
            return BadValue { then, ..cause };
        }
        let operands: Vec<_> = record.inputs_of(*op).iter().map(|&input| record.range(input)).collect();
        let gradient = self.sums.get(*op).map(|grad| NumberRange::of(None, grad));
        let operand = record.inputs_of(*op).iter().position(|&input| input == id);
        let bad = BadValue::in_tensor(Cause::Backward, part).expect("a bad gradient");
        record.placed(*op, BadValue { operands, gradient, operand, ..bad })
    }

    /// Finite gradients of value `id` whose sum is not.
    fn sum(&self, id: u32, parts: &[(u32, Tensor<T>)]) -> BadValue {
        let sum = self.sums.get(id).and_then(|sum| BadValue::in_tensor(Cause::Sum, sum)).expect("a bad gradient");
        let ranges = parts.iter().map(|(op, part)| (op, NumberRange::of(None, part)));
        let largest = ranges.max_by(|(_, a), (_, b)| a.largest().total_cmp(&b.largest()));
        let bad = BadValue { operands: vec![self.record.range(id)], ..sum };
        match largest {
            Some((op, range)) => self.record.placed(*op, BadValue { gradient: Some(range), ..bad }),
            None => bad, // the seed of the pass
        }
    }
}

fn bad_number<T: Scalar>(tensor: &Tensor<T>) -> f64 {
    BadValue::in_tensor(Cause::Sum, tensor).map_or(f64::NAN, |bad| bad.value)
}

fn advised<T: Scalar>(bad: BadValue) -> BadValue {
    BadValue { advice: advice(&bad, T::NAME), ..bad }
}

impl<T: Scalar> Record<T> {
    /// What kind of leaf value `id` is, if it is one.
    fn leaf(&self, id: u32) -> Option<Cause> {
        let node = &self.nodes[id as usize];
        let is_variable = node.needs_gradient() || !self.names.of(id).is_empty();
        node.is_leaf().then_some(if is_variable { Cause::Variable } else { Cause::Constant })
    }

    fn range(&self, id: u32) -> NumberRange {
        let (path, value) = (self.names.of(id), &self.values[id as usize]);
        // Of other constants, it is of no use to know that they are.
        let is_suspect = self.leaf(id) == Some(Cause::Constant) && kind(value) > Kind::Finite;
        let name = if is_suspect { Some("a constant".to_owned()) } else { (!path.is_empty()).then(|| dotted(path)) };
        NumberRange::of(name, value)
    }

    /// The bad value with the place of op `id`.
    fn placed(&self, id: u32, bad: BadValue) -> BadValue {
        let Some(origin) = self.origin(id) else { return advised::<T>(bad) };
        let (op, location) = (Some(origin.op), Some(origin.location));
        advised::<T>(BadValue { op, scope: origin.scope, step: origin.step, location, ..bad })
    }

    /// Op `id`, as what follows from a bad value.
    fn consequence(&self, id: u32, backward: bool) -> Option<Consequence> {
        let origin = self.origin(id)?;
        Some(Consequence {
            op: origin.op,
            backward,
            value: bad_number(&self.values[id as usize]),
            location: origin.location,
        })
    }
}
