//! The tangent of a value, from the tangents of what it was computed from.

use super::{Derivative, Values};
use crate::tape::op::{InputGrads, Inputs};
use crate::tape::op_arena::OpList;
use std::sync::Arc;
use unspool_tensor::{Scalar, Tensor};

/// The tangent of an op's value.
#[derive(Clone)]
pub(super) struct Pushforward<T: Scalar> {
    pub(super) op: Arc<dyn OpList<T>>,
    /// Which inputs of the pushforward are the op's inputs.
    pub(super) inputs: Arc<[u32]>,
    /// Which inputs have tangents, each with the input that its tangent is.
    pub(super) tangents: Arc<[(u32, u32)]>,
}

impl<T: Scalar> Pushforward<T> {
    /// The inputs of the op, each with its tangent.
    fn lift(&self, x: Inputs<'_, T>) -> Values<T::Lifted> {
        let tangent_of = |i: usize| self.tangents.iter().find(|&&(of, _)| of as usize == i);
        let lift = |i: usize| x[i].lift(tangent_of(i).map(|&(_, tangent)| &x[tangent as usize]));
        Values::new((0..=self.inputs.iter().copied().max().unwrap_or(0) as usize).map(lift).collect())
    }
}

impl<T: Scalar> Derivative<T> for Pushforward<T> {
    const NAME: &'static str = "tangent";
    type Lifted = Pushforward<T::Lifted>;

    fn lifted(&self) -> Pushforward<T::Lifted> {
        let op = self.op.clone().lifted();
        Pushforward { op, inputs: self.inputs.clone(), tangents: self.tangents.clone() }
    }

    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T> {
        let on = self.lift(x);
        Tensor::lifted_tangents(&on.forward(&*self.op.clone().lifted(), &self.inputs))
    }

    fn backward(&self, x: Inputs<'_, T>, c: Tensor<T>, into: &mut InputGrads<'_, T>) {
        let on = self.lift(x);
        let op = self.op.clone().lifted();
        let value = on.forward(&*op, &self.inputs);
        let tangent_of = |i: u32| self.tangents.iter().find(|&&(of, _)| of == i).map(|&(_, tangent)| tangent as usize);
        let needs: Vec<bool> = (0..on.values.len())
            .map(|i| into.needs(i) || tangent_of(i as u32).is_some_and(|tangent| into.needs(tangent)))
            .collect();
        let rule = (&*op, &*self.inputs, &value, c.lift(None));
        let gradients = on.gradients(|i| needs[i], std::iter::once(rule));
        for i in 0..on.values.len() {
            if let Some(gradient) = gradients.get(i as u32) {
                let [along, across] = Tensor::unlifted(gradient);
                into.add(i, across);
                if let Some(tangent) = tangent_of(i as u32) {
                    into.add(tangent, along);
                }
            }
        }
    }
}
