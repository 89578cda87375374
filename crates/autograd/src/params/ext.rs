//! Methods of every model of tensors.

use super::{Params, Path};
use unspool_tensor::{Scalar, Tensor};

/// Methods of every model whose leaves are [`Tensor`]s: weights, gradients, optimizer moments.
pub trait ParamsExt<T: Scalar>: Params<Tensor<T>> + Sized {
    /// The number of parameters: all elements of all leaves.
    fn parameter_count(&self) -> usize {
        self.leaves().iter().map(|leaf| leaf.numel()).sum()
    }

    /// The dotted names of the leaves, in the order of the fields.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.visit_leaves(Path::ROOT, &mut |path, _| names.push(path.to_string()));
        names
    }

    /// The leaves, in the order of the fields.
    fn leaves<'a>(&'a self) -> Vec<&'a Tensor<T>>
    where
        T: 'a,
    {
        let mut leaves = Vec::new();
        self.visit_leaves(Path::ROOT, &mut |_, leaf| leaves.push(leaf));
        leaves
    }

    /// The leaves, writable, in the order of the fields.
    fn leaves_mut<'a>(&'a mut self) -> Vec<&'a mut Tensor<T>>
    where
        T: 'a,
    {
        let mut leaves = Vec::new();
        self.visit_leaves_mut(Path::ROOT, &mut |_, leaf| leaves.push(leaf));
        leaves
    }

    /// The model with its parameters cast to another element type, rounded to nearest.
    fn cast<U: Scalar>(&self) -> Self::With<Tensor<U>> {
        self.map_leaves(Path::ROOT, &mut |_, leaf| leaf.cast())
    }

    /// A model of the same shapes with all parameters zero.
    fn zeros_like(&self) -> Self {
        let shapes = self.map_leaves(Path::ROOT, &mut |_, leaf| leaf.shape());
        shapes.map_leaves(Path::ROOT, &mut |_, &shape| Tensor::zeros(shape))
    }
}

impl<T: Scalar, M: Params<Tensor<T>>> ParamsExt<T> for M {}
