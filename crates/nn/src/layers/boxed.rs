//! Layers chosen at run time.

use crate::context::Context;
use crate::layers::layer::{Layer, Model};
use crate::layers::sequential::Build;
use crate::random::Rng;
use std::fmt;
use std::sync::Arc;
use unspool_autograd::{Params, Path, Scalar, Tensor, Var};

/// Any layer as one type: for a choice at run time, and for lists of layers of several kinds.
///
/// It has the leaves of the inner layer, with the same names, and is bound, trained and saved like
/// it. It computes in the element type `T` only: to check gradients, which takes f64, use the inner
/// layer. Weights of PyTorch and Keras are loaded into the inner layer, too, before it is boxed.
///
/// ```
/// use unspool::layers::{Boxed, boxed};
/// use unspool::prelude::*;
/// let (kind, rng) = ("gru", &mut rng(0)); // an argument of the program
/// let layer: Boxed = match kind {
///     "lstm" => boxed(Recurrent::new(Lstm::new(rng, 3, 8))),
///     "gru" => boxed(Recurrent::new(Gru::new(rng, 3, 8))),
///     _ => boxed(Recurrent::new(SimpleRnn::new(rng, 3, 8))),
/// };
/// let model = sequential().add(layer).add(dense(8, 1));
/// assert_eq!(model.names()[0], "layers.0.cell.x.weight");
/// let output = unspool::predict(&model, &Tensor::ones([10, 4, 3]));
/// assert_eq!(output.shape()[..], [4, 1]);
/// ```
pub struct Boxed<P = Tensor, T: Scalar = f32> {
    leaves: Vec<P>,
    layer: Arc<dyn Erased<T>>,
}

/// Boxes a layer: see [`Boxed`].
///
/// ```
/// use unspool::layers::{Boxed, boxed};
/// use unspool::{Dense, Recurrent, SimpleRnn, rng};
/// let rng = &mut rng(0);
/// let either: [Boxed; 2] = [boxed(Dense::new(rng, 3, 8)), boxed(Recurrent::new(SimpleRnn::new(rng, 3, 8)))];
/// ```
pub fn boxed<T: Scalar, M>(layer: M) -> Boxed<Tensor<T>, T>
where
    M: Model<T> + Send + Sync + 'static,
{
    let mut leaves = Vec::new();
    layer.visit_leaves(Path::ROOT, &mut |_, leaf| leaves.push(leaf.clone()));
    // The weights live in the list of leaves alone: held in both, they would be shared, and copied
    // by the first step of an optimizer.
    let mut skeleton = layer;
    let empty = Tensor::zeros([0]);
    skeleton.visit_leaves_mut(Path::ROOT, &mut |_, leaf| *leaf = empty.clone());
    Boxed { leaves, layer: Arc::new(Skeleton(skeleton)) }
}

/// A layer whose type is erased, without its leaves.
trait Erased<T: Scalar>: Send + Sync {
    /// Calls `f` with the path of each leaf.
    fn visit_paths(&self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>));

    /// The output of the layer with these leaves.
    #[track_caller]
    fn output<'t>(&self, leaves: &[Var<'t, T>], x: Var<'t, T>, cx: Context<'_>) -> Var<'t, T>;
}

/// A layer with empty leaves: its structure and configuration.
struct Skeleton<M>(M);

impl<T: Scalar, M: Model<T> + Send + Sync> Erased<T> for Skeleton<M> {
    fn visit_paths(&self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>)) {
        self.0.visit_leaves(path, &mut |path, _| f(path));
    }

    fn output<'t>(&self, leaves: &[Var<'t, T>], x: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
        let mut leaves = leaves.iter();
        let net = self.0.map_leaves(Path::ROOT, &mut |_, _| *leaves.next().expect("one for each leaf"));
        M::output(&net, x, cx)
    }
}

// Paths come from the skeleton, leaves from the list: both are in the order of the layer's fields.
impl<P, T: Scalar> Params<P> for Boxed<P, T> {
    type With<Q> = Boxed<Q, T>;

    fn map_leaves<Q>(&self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &P) -> Q) -> Boxed<Q, T> {
        let (mut mapped, mut leaves) = (Vec::with_capacity(self.leaves.len()), self.leaves.iter());
        self.layer.visit_paths(path, &mut |path| mapped.push(f(path, leaves.next().expect("one for each path"))));
        Boxed { leaves: mapped, layer: self.layer.clone() }
    }

    fn visit_leaves<'a>(&'a self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a P))
    where
        P: 'a,
    {
        let mut leaves = self.leaves.iter();
        self.layer.visit_paths(path, &mut |path| f(path, leaves.next().expect("one for each path")));
    }

    fn visit_leaves_mut<'a>(&'a mut self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a mut P))
    where
        P: 'a,
    {
        let mut leaves = self.leaves.iter_mut();
        self.layer.visit_paths(path, &mut |path| f(path, leaves.next().expect("one for each path")));
    }
}

impl<'t, T: Scalar> Layer<'t, T> for Boxed<Var<'t, T>, T> {
    type Output = Var<'t, T>;

    #[track_caller]
    fn apply(&self, x: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
        let _scope = x.tape().layer_scope(self);
        self.layer.output(&self.leaves, x, cx)
    }
}

impl<P, T: Scalar> Build for Boxed<P, T> {
    type Layer = Self;

    fn build(self, _: &mut Rng) -> Self {
        self
    }
}

impl<P: Clone, T: Scalar> Clone for Boxed<P, T> {
    fn clone(&self) -> Self {
        Boxed { leaves: self.leaves.clone(), layer: self.layer.clone() }
    }
}

impl<P: fmt::Debug, T: Scalar> fmt::Debug for Boxed<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        self.visit_leaves(Path::ROOT, &mut |path, leaf| {
            map.entry(&format_args!("{path}"), leaf);
        });
        map.finish()
    }
}
