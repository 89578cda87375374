//! Optimisers: how gradients change weights.

use unspool_autograd::{Params, Scalar, Tensor};

/// Something that changes a model by its gradients.
pub trait Optimizer<T: Scalar, M: Params<Tensor<T>>> {
    /// One step: changes `model`, in place if nobody else holds its tensors (the tape they were bound to has
    /// been reset).
    fn step(&mut self, model: &mut M, gradients: &M);
}

/// An optimiser lent to several trainings keeps its memory from one to the next.
impl<T: Scalar, M: Params<Tensor<T>>, O: Optimizer<T, M>> Optimizer<T, M> for &mut O {
    fn step(&mut self, model: &mut M, gradients: &M) {
        (**self).step(model, gradients);
    }
}
