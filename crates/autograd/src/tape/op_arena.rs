//! Storage for ops of many types without a box for each.
//!
//! Every op type has a list of its own; a node stores the list and the index in it. Recording an op
//! pushes it onto its list, so a steady training step allocates nothing, and dispatch is one
//! virtual call.

use super::derivative::{Derivative, Derivatives};
use super::node::OpRef;
use super::op::{InputGrads, Inputs, Op};
use super::pushed_inputs::PushedInputs;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use unspool_tensor::{Scalar, Tensor};

/// The recorded ops of a tape, by type.
pub(crate) struct OpArena<T: Scalar> {
    lists: Vec<Box<dyn OpList<T>>>,
    list_of: HashMap<TypeId, u16, BuildHasherDefault<TypeIdHasher>>,
}

/// A list of ops of one type.
pub(super) trait OpList<T: Scalar>: Any + Send + Sync {
    fn name(&self, index: u32) -> &'static str;
    fn forward(&self, index: u32, x: Inputs<'_, T>) -> Tensor<T>;
    fn backward(&self, index: u32, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>);
    fn gradient_flops(&self, index: u32, x: Inputs<'_, T>, y: &Tensor<T>, i: usize) -> f64;
    /// See `Op::push_forward`.
    fn push_forward(&self, index: u32, x: PushedInputs<'_, T>) -> Option<Vec<Tensor<T::Lifted>>> {
        let _ = (index, x);
        None
    }
    fn clear(&mut self);
    /// A list of this op alone.
    fn only(&self, index: u32) -> Arc<dyn OpList<T>>;
    /// The same ops, over the numbers of which the tangents are derivatives.
    fn lifted(self: Arc<Self>) -> Arc<dyn OpList<T::Lifted>>;
}

struct List<O>(Vec<O>);

impl<T: Scalar, O: Op> OpList<T> for List<O> {
    fn name(&self, index: u32) -> &'static str {
        self.0[index as usize].name()
    }
    fn forward(&self, index: u32, x: Inputs<'_, T>) -> Tensor<T> {
        self.0[index as usize].forward(x)
    }
    fn backward(&self, index: u32, x: Inputs<'_, T>, y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        self.0[index as usize].backward(x, y, grad, into);
    }
    fn gradient_flops(&self, index: u32, x: Inputs<'_, T>, y: &Tensor<T>, i: usize) -> f64 {
        self.0[index as usize].gradient_flops(x, y, i)
    }
    fn push_forward(&self, index: u32, x: PushedInputs<'_, T>) -> Option<Vec<Tensor<T::Lifted>>> {
        self.0[index as usize].push_forward(x)
    }
    fn clear(&mut self) {
        self.0.clear();
    }
    fn only(&self, index: u32) -> Arc<dyn OpList<T>> {
        Arc::new(List(vec![self.0[index as usize].clone()]))
    }
    fn lifted(self: Arc<Self>) -> Arc<dyn OpList<T::Lifted>> {
        self
    }
}

impl<T: Scalar> OpArena<T> {
    pub(super) fn new() -> Self {
        OpArena { lists: Vec::new(), list_of: HashMap::default() }
    }

    pub(super) fn push<O: Op>(&mut self, op: O) -> OpRef {
        self.push_to(
            TypeId::of::<O>(),
            || List(Vec::new()),
            |List(ops): &mut List<O>| {
                ops.push(op);
                ops.len() - 1
            },
        )
    }

    pub(super) fn push_derivative<D: Derivative<T>>(&mut self, derivative: D) -> OpRef {
        self.push_to(
            TypeId::of::<D>(),
            || Derivatives(Vec::new()),
            |Derivatives(list): &mut Derivatives<D>| {
                list.push(derivative);
                list.len() - 1
            },
        )
    }

    /// Pushes an op to the list of its type; `push` returns its index.
    #[inline(always)]
    fn push_to<L: OpList<T>>(
        &mut self,
        of: TypeId,
        new: impl FnOnce() -> L,
        push: impl FnOnce(&mut L) -> usize,
    ) -> OpRef {
        let list = *self.list_of.entry(of).or_insert_with(|| {
            self.lists.push(Box::new(new()));
            u16::try_from(self.lists.len() - 1).expect("a program has fewer than 65,536 op types")
        });
        let ops: &mut dyn Any = &mut *self.lists[usize::from(list)];
        let index = push(ops.downcast_mut::<L>().expect("each type has its own list"));
        OpRef { list, index: index as u32 } // a tape has fewer than 2^32 nodes
    }

    /// This op by itself, to be run apart from the tape.
    pub(super) fn only(&self, at: OpRef) -> Arc<dyn OpList<T>> {
        self.lists[usize::from(at.list)].only(at.index)
    }

    pub(super) fn name(&self, at: OpRef) -> &'static str {
        self.lists[usize::from(at.list)].name(at.index)
    }

    /// Runs a recorded op again.
    pub(super) fn forward(&self, at: OpRef, x: Inputs<'_, T>) -> Tensor<T> {
        self.lists[usize::from(at.list)].forward(at.index, x)
    }

    pub(super) fn backward(
        &self,
        at: OpRef,
        x: Inputs<'_, T>,
        y: &Tensor<T>,
        grad: Tensor<T>,
        into: &mut InputGrads<'_, T>,
    ) {
        self.lists[usize::from(at.list)].backward(at.index, x, y, grad, into);
    }

    pub(super) fn gradient_flops(&self, at: OpRef, x: Inputs<'_, T>, y: &Tensor<T>, i: usize) -> f64 {
        self.lists[usize::from(at.list)].gradient_flops(at.index, x, y, i)
    }

    pub(super) fn clear(&mut self) {
        self.lists.iter_mut().for_each(|list| list.clear());
    }
}

/// Type ids are hashes already: they are used as is.
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
