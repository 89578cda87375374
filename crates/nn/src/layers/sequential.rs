//! Chains of layers.

use crate::context::Context;
use crate::layers::layer::Layer;
use crate::random::Rng;
use rand::SeedableRng;
use unspool_autograd::{Params, Path, Scalar, Segment, Var, chained_scope, layer_scope};

/// A chain of layers: the output of each is the input of the next.
///
/// Made by [`sequential`]. The parameters are named `layers.0.weight`, `layers.1.cell.u` and so on.
///
/// ```
/// use unspool::{Tensor, dense, predict, sequential, simple_rnn};
/// let model = sequential().add(simple_rnn(3, 8)).add(dense(8, 1));
/// assert_eq!(model.layers.layer.weight.shape()[..], [8, 1]);      // of the last layer
/// assert_eq!(predict(&model, &Tensor::ones([10, 4, 3])).shape()[..], [4, 1]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct Sequential<L> {
    /// The layers, as nested [`Chain`]s.
    pub layers: L,
    seed: u64,
    count: usize,
}

/// An empty chain of layers.
///
/// [`add`](Sequential::add) takes [`dense`](crate::layers::dense),
/// [`simple_rnn`](crate::cells::simple_rnn), [`recurrent`](crate::recurrent::recurrent),
/// [`flatten`](crate::layers::flatten), a closure that makes a layer from a random number
/// generator, or any other [`Build`]. All initial weights come from one [`seed`](Sequential::seed),
/// 0 by default.
///
/// ```
/// use unspool::{ParamsExt, dense, sequential, simple_rnn};
/// let model = sequential().seed(42).add(simple_rnn(1, 20)).add(dense(20, 1));
/// assert_eq!(model.parameter_count(), (1 + 20 + 1) * 20 + 21);
/// assert_eq!(model.names()[2..], ["layers.0.cell.u", "layers.1.weight", "layers.1.bias"]);
/// ```
pub fn sequential() -> Sequential<()> {
    Sequential { layers: (), seed: 0, count: 0 }
}

impl Sequential<()> {
    /// Sets the seed of the initial weights.
    pub fn seed(self, seed: u64) -> Self {
        Sequential { seed, ..self }
    }
}

impl<L> Sequential<L> {
    /// The model with one more layer.
    #[allow(clippy::should_implement_trait)] // not a sum of models
    pub fn add<B: Build>(self, layer: B) -> Sequential<Chain<L, B::Layer>> {
        // One generator per layer: its weights depend only on the seed and its index, so adding a
        // layer does not change those of the others.
        let mut seed = <Rng as SeedableRng>::Seed::default();
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8..16].copy_from_slice(&(self.count as u64 + 1).to_le_bytes());
        let layer = layer.build(&mut Rng::from_seed(seed));
        let layers = Chain { before: self.layers, layer, index: self.count };
        Sequential { layers, seed: self.seed, count: self.count + 1 }
    }
}

/// What [`Sequential::add`] takes: something that builds a layer, given a generator for its
/// weights.
///
/// To add an existing layer, pass a closure that returns it: `.add(move |_: &mut Rng| layer)`.
///
/// ```
/// use unspool::layers::LayerNorm;
/// use unspool::{Rng, Tensor, dense, sequential};
/// let model = sequential().add(dense(3, 8)).add(|_: &mut Rng| LayerNorm::<Tensor>::new(8));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be added to a sequential model",
    note = "pass `dense(..)`, `simple_rnn(..)`, `recurrent(..)` of a cell that derives `Params`, or a closure `|rng: &mut Rng| layer`"
)]
pub trait Build {
    /// The layer it builds.
    type Layer;
    /// Builds the layer.
    fn build(self, rng: &mut Rng) -> Self::Layer;
}

impl<M, F: FnOnce(&mut Rng) -> M> Build for F {
    type Layer = M;
    fn build(self, rng: &mut Rng) -> M {
        self(rng)
    }
}

impl Build for crate::layers::flatten::Flatten {
    type Layer = Self;
    fn build(self, _: &mut Rng) -> Self {
        self
    }
}

/// A layer after others: what a [`Sequential`] is made of.
///
/// ```
/// use unspool::{dense, gru, sequential};
/// let model = sequential().add(gru(3, 8)).add(dense(8, 1));
/// let (head, before) = (&model.layers.layer, &model.layers.before);
/// assert_eq!((&head.bias.shape()[..], &before.layer.cell.u.shape()[..]), (&[1][..], &[8, 24][..]));
/// ```
#[derive(Clone, Debug)]
pub struct Chain<L, M> {
    /// The layers before it, nested in the same way; `()` if there are none.
    pub before: L,
    /// The last layer.
    pub layer: M,
    index: usize,
}

#[cfg(feature = "safetensors")]
impl<L, M> Chain<L, M> {
    /// The index of the last layer in the model.
    pub(crate) fn index(&self) -> usize {
        self.index
    }
}

/// Not derived, so that parameters are named by the index of their layer and not by its nesting.
impl<P, L: Params<P>, M: Params<P>> Params<P> for Chain<L, M> {
    type With<Q> = Chain<L::With<Q>, M::With<Q>>;

    fn map_leaves<Q>(&self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &P) -> Q) -> Self::With<Q> {
        let before = self.before.map_leaves(path, f);
        let layer = self.layer.map_leaves(path.join(Segment::Index(self.index)), f);
        Chain { before, layer, index: self.index }
    }

    fn visit_leaves<'a>(&'a self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a P))
    where
        P: 'a,
    {
        self.before.visit_leaves(path, f);
        self.layer.visit_leaves(path.join(Segment::Index(self.index)), f);
    }

    fn visit_leaves_mut<'a>(&'a mut self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a mut P))
    where
        P: 'a,
    {
        self.before.visit_leaves_mut(path, f);
        self.layer.visit_leaves_mut(path.join(Segment::Index(self.index)), f);
    }
}

impl<'t, T: Scalar> Layer<'t, T> for () {
    type Output = Var<'t, T>;

    #[track_caller]
    fn apply(&self, x: Var<'t, T>, _: Context<'_>) -> Var<'t, T> {
        x
    }
}

/// The first layer takes the input as it is: a variable, or indices.
impl<'t, T: Scalar, X, M: Layer<'t, T, X>> Layer<'t, T, X> for Chain<(), M> {
    type Output = M::Output;

    #[track_caller]
    fn apply(&self, x: X, cx: Context<'_>) -> M::Output {
        let _scope = chained_scope(self.index);
        self.layer.apply(x, cx.fold_in(self.index))
    }

    #[track_caller]
    fn apply_converted(&self, x: X, cx: Context<'_>) -> Var<'t, T> {
        let _scope = chained_scope(self.index);
        self.layer.apply_converted(x, cx.fold_in(self.index))
    }
}

impl<L, K, M> Chain<Chain<L, K>, M> {
    /// The input of the last layer and its context.
    #[track_caller]
    fn before<'t, 'a, T: Scalar, X>(&self, x: X, cx: Context<'a>) -> (Var<'t, T>, Context<'a>)
    where
        Chain<L, K>: Layer<'t, T, X>,
    {
        let x = self.before.apply_converted(x, cx);
        // After a layer that returns one row per sequence, there is no time axis any more.
        let cx = if x.shape().rank() == 3 { cx } else { cx.without_steps() };
        (x, cx.fold_in(self.index))
    }
}

impl<'t, T: Scalar, X, L, K, M: Layer<'t, T>> Layer<'t, T, X> for Chain<Chain<L, K>, M>
where
    Chain<L, K>: Layer<'t, T, X>,
{
    type Output = M::Output;

    #[track_caller]
    fn apply(&self, x: X, cx: Context<'_>) -> M::Output {
        let (x, cx) = self.before(x, cx);
        let _scope = chained_scope(self.index);
        self.layer.apply(x, cx)
    }

    #[track_caller]
    fn apply_converted(&self, x: X, cx: Context<'_>) -> Var<'t, T> {
        let (x, cx) = self.before(x, cx);
        let _scope = chained_scope(self.index);
        self.layer.apply_converted(x, cx)
    }
}

impl<'t, T: Scalar, X, L: Layer<'t, T, X> + Params<Var<'t, T>>> Layer<'t, T, X> for Sequential<L> {
    type Output = Var<'t, T>;

    #[track_caller]
    fn apply(&self, x: X, cx: Context<'_>) -> Var<'t, T> {
        let _scope = layer_scope(&self.layers);
        self.layers.apply_converted(x, cx)
    }
}
