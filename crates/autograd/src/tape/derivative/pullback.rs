//! The gradient of a value, from the gradients of what was computed from it.
//!
//! One op for all readers of the value: they add to one gradient, as in a backward pass, so that cutting a
//! sequence into its steps stays linear in their number.

use super::{Derivative, Values};
use crate::tape::op::{InputGrads, Inputs};
use crate::tape::op_arena::OpList;
use std::sync::Arc;
use unspool_tensor::{Scalar, Tensor};

/// The gradient of the first input.
#[derive(Clone)]
pub(super) struct Pullback<T: Scalar> {
    /// The ops that read it, in the order in which the backward pass runs their rules.
    pub(super) readers: Vec<Reader<T>>,
}

/// An op that read the value.
#[derive(Clone)]
pub(super) struct Reader<T: Scalar> {
    pub(super) op: Arc<dyn OpList<T>>,
    /// Which inputs of the pullback are the op's inputs.
    pub(super) inputs: Arc<[u32]>,
    /// Which input of the pullback is the gradient of the op's value.
    pub(super) grad: u32,
    /// The op's value. Over other numbers it is computed again: it changes with the inputs.
    pub(super) value: Option<Tensor<T>>,
}

impl<T: Scalar> Pullback<T> {
    /// The values of the readers.
    fn values(&self, on: &Values<T>) -> Vec<Tensor<T>> {
        let value = |reader: &Reader<T>| match &reader.value {
            Some(value) => value.clone(),
            None => on.forward(&*reader.op, &reader.inputs),
        };
        self.readers.iter().map(value).collect()
    }

    /// What the gradient rules run on: each reader with its inputs, its value and the gradient of that.
    fn rules<'a>(
        &'a self,
        on: &'a Values<T>,
        values: &'a [Tensor<T>],
    ) -> impl Iterator<Item = (&'a dyn OpList<T>, &'a [u32], &'a Tensor<T>, Tensor<T>)> {
        let grad = |reader: &Reader<T>| on.values[reader.grad as usize].clone();
        self.readers.iter().zip(values).map(move |(reader, value)| (&*reader.op, &*reader.inputs, value, grad(reader)))
    }
}

impl<T: Scalar> Derivative<T> for Pullback<T> {
    const NAME: &'static str = "gradient";
    type Lifted = Pullback<T::Lifted>;

    fn lifted(&self) -> Pullback<T::Lifted> {
        let lifted = |reader: &Reader<T>| Reader {
            op: reader.op.clone().lifted(),
            inputs: reader.inputs.clone(),
            grad: reader.grad,
            value: None,
        };
        Pullback { readers: self.readers.iter().map(lifted).collect() }
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let on = Values::new(x.iter().cloned().collect());
        let values = self.values(&on);
        let gradients = on.gradients(|i| i == 0, self.rules(&on, &values));
        gradients.get(0).map_or_else(|| Tensor::zeros(x[0].shape()), Tensor::contiguous)
    }

    fn backward(&self, x: Inputs<'_, T>, c: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let on = Values::new(x.iter().enumerate().map(|(i, x)| x.lift((i == 0).then_some(&c))).collect());
        let lifted = self.lifted();
        let values = lifted.values(&on);
        for (reader, value) in self.readers.iter().zip(&values) {
            into.add_with(reader.grad as usize, || Tensor::lifted_tangents(value));
        }
        let mut needs = vec![false; x.len()];
        let reads = self.readers.iter().flat_map(|reader| reader.inputs.iter());
        reads.for_each(|&i| needs[i as usize] = into.needs(i as usize));
        let gradients = on.gradients(|i| needs[i], lifted.rules(&on, &values));
        for i in 0..x.len() {
            if let Some(gradient) = gradients.get(i as u32) {
                into.add(i, Tensor::lifted_tangents(gradient));
            }
        }
    }
}
