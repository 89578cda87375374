//! The gradient of a value as a value on the tape.
//!
//! Where a tape's gradients are differentiated, the gradient of each value is recorded as one op, a
//! [`Pullback`]: of the ops that read the value, of their inputs, and of the gradients of their values.
//! It runs the gradient rules of these ops, as the backward pass does.
//!
//! No op says how its rule is differentiated, since its other numbers do. With `J` the Jacobian of
//! `y = f(x)`, the rule computes `dx = Jᵀ g`, and of the scalar product of `dx` with a vector `c`
//!
//! - the gradient with respect to `g` is `J c`: the tangent of `f(x + c e)`;
//! - the gradient with respect to `x` is the derivative of `J(x)ᵀ g` in the direction `c`, since second
//!   derivatives are symmetric: the tangent of the same rule at `x + c e`.
//!
//! Both are the op's own two methods over duals, whose pullbacks are differentiated in the same way
//! (Griewank and Walther 2008, "Evaluating Derivatives", section 5.2; Pearlmutter 1994).

use super::accumulator::Accumulator;
use super::node::Node;
use super::op::{InputGrads, Inputs};
use super::op_arena::OpList;
use super::packed_weights::{PackedWeights, Turn};
use std::sync::Arc;
use unspool_tensor::{Scalar, Tensor};

/// The gradient of the first input, from the gradients of what was computed from it.
#[derive(Clone)]
pub(super) struct Pullback<T: Scalar> {
    /// The ops that read it, in the order in which the backward pass runs their rules.
    pub(super) readers: Vec<Reader<T>>,
}

/// An op that read the value.
pub(super) struct Reader<T: Scalar> {
    pub(super) op: Arc<dyn OpList<T>>,
    /// Which inputs of the pullback are the op's inputs.
    pub(super) inputs: Arc<[u32]>,
    /// Which input of the pullback is the gradient of the op's value.
    pub(super) grad: u32,
    /// The op's value. Over other numbers it is computed again: it changes with the inputs.
    pub(super) value: Option<Tensor<T>>,
}

impl<T: Scalar> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Reader { op: self.op.clone(), inputs: self.inputs.clone(), grad: self.grad, value: self.value.clone() }
    }
}

/// The inputs of the pullback, as a record for the readers.
struct Values<T: Scalar> {
    values: Vec<Tensor<T>>,
    packed: PackedWeights<T>,
}

impl<T: Scalar> Values<T> {
    fn new(values: Vec<Tensor<T>>) -> Self {
        Values { values, packed: PackedWeights::new() }
    }

    fn inputs<'a>(&'a self, ids: &'a [u32], turn: Turn) -> Inputs<'a, T> {
        Inputs { values: &self.values, ids, packed: &self.packed, turn }
    }

    fn forward(&self, reader: &Reader<T>, node: usize) -> Tensor<T> {
        reader.op.forward(0, self.inputs(&reader.inputs, Turn::Forward { node: node as u32 }))
    }

    /// The gradients with respect to the values that need one, given the values of the readers.
    fn gradients(&self, readers: &[Reader<T>], values: &[Tensor<T>], needs: impl Fn(usize) -> bool) -> Accumulator<T> {
        let mut gradients = Accumulator::default();
        gradients.reserve(self.values.len() as u32);
        let nodes: Vec<Node> = (0..self.values.len()).map(|i| Node::leaf(0, needs(i))).collect();
        for (reader, value) in readers.iter().zip(values) {
            let inputs = self.inputs(&reader.inputs, Turn::Backward { pass: 0 });
            let mut into = InputGrads { gradients: &mut gradients, nodes: &nodes, inputs };
            reader.op.backward(0, inputs, value, self.values[reader.grad as usize].clone(), &mut into);
        }
        gradients.settle_all();
        gradients
    }
}

impl<T: Scalar> Pullback<T> {
    pub(super) fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let on = Values::new(x.iter().cloned().collect());
        let values = self.readers.iter().enumerate().map(|(i, reader)| match &reader.value {
            Some(value) => value.clone(),
            None => on.forward(reader, i),
        });
        let values: Vec<_> = values.collect();
        let gradients = on.gradients(&self.readers, &values, |i| i == 0);
        gradients.get(0).map_or_else(|| Tensor::zeros(x[0].shape()), Tensor::contiguous)
    }

    fn backward(&self, x: Inputs<'_, T>, c: &Tensor<T>, into: &mut InputGrads<'_, T>) {
        let lifted = x.iter().enumerate().map(|(i, x)| x.lift((i == 0).then_some(c)));
        let on = Values::new(lifted.collect());
        let readers: Vec<_> = self.readers.iter().map(Reader::lifted).collect();
        let values: Vec<_> = readers.iter().enumerate().map(|(i, reader)| on.forward(reader, i)).collect();
        for (reader, value) in readers.iter().zip(&values) {
            into.add_with(reader.grad as usize, || Tensor::lifted_tangents(value));
        }
        let is_read: Vec<bool> = {
            let mut is_read = vec![false; x.len()];
            let reads = readers.iter().flat_map(|reader| reader.inputs.iter());
            reads.for_each(|&i| is_read[i as usize] = into.needs(i as usize));
            is_read
        };
        if is_read.contains(&true) {
            let gradients = on.gradients(&readers, &values, |i| is_read[i]);
            for i in 0..x.len() {
                if let Some(gradient) = gradients.get(i as u32) {
                    into.add(i, Tensor::lifted_tangents(gradient));
                }
            }
        }
    }
}

impl<T: Scalar> Reader<T> {
    fn lifted(&self) -> Reader<T::Lifted> {
        Reader { op: self.op.clone().lifted(), inputs: self.inputs.clone(), grad: self.grad, value: None }
    }
}

impl<T: Scalar> OpList<T> for Vec<Pullback<T>> {
    fn name(&self, _index: u32) -> &'static str {
        "gradient"
    }
    fn forward(&self, index: u32, x: Inputs<'_, T>) -> Tensor<T> {
        self[index as usize].forward(x)
    }
    /// # Panics
    /// If the numbers have no further level.
    fn backward(&self, index: u32, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        ensure!(
            T::NESTS,
            "gradient: derivatives of this order need one more level of numbers: Nested<..> around those of the tape"
        );
        self[index as usize].backward(x, &grad, into);
    }
    fn gradient_flops(&self, _index: u32, _x: Inputs<'_, T>, _y: &Tensor<T>, _i: usize) -> f64 {
        0.0
    }
    fn clear(&mut self) {
        Vec::clear(self);
    }
    fn only(&self, index: u32) -> Arc<dyn OpList<T>> {
        Arc::new(vec![self[index as usize].clone()])
    }
    fn lifted(self: Arc<Self>) -> Arc<dyn OpList<T::Lifted>> {
        let lifted = self.iter().map(|p| Pullback { readers: p.readers.iter().map(Reader::lifted).collect() });
        Arc::new(lifted.collect::<Vec<_>>())
    }
}
