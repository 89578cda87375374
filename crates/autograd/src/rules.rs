//! Storage for ops of many types without a box each.
//!
//! Every op type has a list of its own; a node remembers which list and which place. Recording an op pushes it
//! onto its list, so a steady training step allocates nothing, and dispatch is one virtual call.

use crate::op::{InputGrads, Inputs, Op};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use unspool_tensor::{Scalar, Tensor};

/// The recorded ops of a tape, by type.
pub(crate) struct Rules<T: Scalar> {
    lists: Vec<Box<dyn Rule<T>>>,
    place: HashMap<TypeId, u16, BuildHasherDefault<TypeIdHasher>>,
}

/// Which list an op is in, and where.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct RuleRef {
    list: u16,
    index: u32,
}

impl RuleRef {
    /// Of a node that no op made: a variable or a constant.
    pub(crate) const LEAF: RuleRef = RuleRef { list: u16::MAX, index: 0 };
}

/// A list of ops of one type.
trait Rule<T: Scalar>: Any + Send {
    fn backward(&self, index: u32, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>);
    fn clear(&mut self);
}

struct List<O>(Vec<O>);

impl<T: Scalar, O: Op<T>> Rule<T> for List<O> {
    fn backward(&self, index: u32, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        self.0[index as usize].backward(x, y, grad, into);
    }
    fn clear(&mut self) {
        self.0.clear();
    }
}

impl<T: Scalar> Rules<T> {
    pub(crate) fn new() -> Self {
        Rules { lists: Vec::new(), place: HashMap::default() }
    }

    pub(crate) fn push<O: Op<T>>(&mut self, op: O) -> RuleRef {
        let list = *self.place.entry(TypeId::of::<O>()).or_insert_with(|| {
            self.lists.push(Box::new(List::<O>(Vec::new())));
            u16::try_from(self.lists.len() - 1).expect("a program has fewer than 65,536 op types")
        });
        let ops: &mut dyn Any = &mut *self.lists[usize::from(list)];
        let ops = &mut ops.downcast_mut::<List<O>>().expect("lists are placed by type").0;
        ops.push(op);
        RuleRef { list, index: (ops.len() - 1) as u32 } // a tape has fewer than 2^32 nodes
    }

    pub(crate) fn backward(
        &self,
        rule: RuleRef,
        x: Inputs<'_, T>,
        y: &Tensor<T>,
        grad: Tensor<T>,
        into: &mut InputGrads<'_, T>,
    ) {
        self.lists[usize::from(rule.list)].backward(rule.index, x, y, grad, into);
    }

    pub(crate) fn clear(&mut self) {
        self.lists.iter_mut().for_each(|list| list.clear());
    }
}

/// Type ids are hashes already.
#[derive(Default)]
struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 ^= hash;
    }
}
