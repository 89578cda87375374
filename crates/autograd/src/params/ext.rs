//! Methods of every model of tensors.

use super::{Params, Path};
use unspool_tensor::{Scalar, Tensor};

/// Methods of every model whose leaves are [`Tensor`]s: weights, gradients, optimizer moments.
///
/// ```
/// use unspool::{Dense, ParamsExt, Tensor, rng};
/// let layer: Dense<Tensor> = Dense::new(&mut rng(0), 3, 2);
/// assert_eq!((layer.parameter_count(), layer.names()), (8, vec!["weight".to_string(), "bias".to_string()]));
/// let precise: Dense<Tensor<f64>> = layer.cast();
/// assert_eq!(layer.zeros_like().weight, Tensor::zeros([3, 2]));
/// ```
pub trait ParamsExt<T: Scalar>: Params<Tensor<T>> + Sized {
    /// The number of parameters: all elements of all leaves that are no buffers.
    fn parameter_count(&self) -> usize {
        self.leaves().iter().map(|leaf| leaf.numel()).sum()
    }

    /// The dotted names of the [leaves](ParamsExt::leaves), in the order of the fields.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.visit_parameters(&mut |path, _| names.push(path.to_string()));
        names
    }

    /// The trainable leaves, in the order of the fields: the parameters, without
    /// [buffers](Params#buffers).
    fn leaves<'a>(&'a self) -> Vec<&'a Tensor<T>>
    where
        T: 'a,
    {
        let mut leaves = Vec::new();
        self.visit_parameters(&mut |_, leaf| leaves.push(leaf));
        leaves
    }

    /// The trainable leaves, writable, in the order of the fields: the parameters, without
    /// [buffers](Params#buffers).
    fn leaves_mut<'a>(&'a mut self) -> Vec<&'a mut Tensor<T>>
    where
        T: 'a,
    {
        let mut leaves = Vec::new();
        self.visit_parameters_mut(&mut |_, leaf| leaves.push(leaf));
        leaves
    }

    /// Calls `f` with the name and value of each trainable leaf, in the order of the fields. Nothing
    /// is allocated, unlike in [`leaves`](ParamsExt::leaves).
    fn visit_parameters<'a>(&'a self, f: &mut dyn FnMut(Path<'_>, &'a Tensor<T>))
    where
        T: 'a,
    {
        self.visit_leaves(Path::ROOT, &mut |path, leaf| {
            if !path.is_buffer() {
                f(path, leaf);
            }
        });
    }

    /// Calls `f` with the name and value of each trainable leaf, in the order of the fields.
    fn visit_parameters_mut<'a>(&'a mut self, f: &mut dyn FnMut(Path<'_>, &'a mut Tensor<T>))
    where
        T: 'a,
    {
        self.visit_leaves_mut(Path::ROOT, &mut |path, leaf| {
            if !path.is_buffer() {
                f(path, leaf);
            }
        });
    }

    /// The model with its leaves cast to another element type, rounded to nearest.
    fn cast<U: Scalar>(&self) -> Self::With<Tensor<U>> {
        self.map_leaves(Path::ROOT, &mut |_, leaf| leaf.cast())
    }

    /// A model of the same shapes with all leaves zero.
    fn zeros_like(&self) -> Self {
        let shapes = self.map_leaves(Path::ROOT, &mut |_, leaf| leaf.shape());
        shapes.map_leaves(Path::ROOT, &mut |_, &shape| Tensor::zeros(shape))
    }
}

impl<T: Scalar, M: Params<Tensor<T>>> ParamsExt<T> for M {}
