//! Models as structs that are generic in their leaf.
//!
//! What must stay true: every walk over a model visits its leaves in the order of its fields, with
//! the same names; nothing is looked up by name.

mod containers;
mod ext;
mod path;

pub use ext::ParamsExt;
pub use path::{Path, Segment};

/// A model whose leaves, its parameters and buffers, are values of type `P`.
///
/// The same struct holds weights, gradients and optimizer moments (`P` is a
/// [`Tensor`](crate::Tensor)) or is bound to a tape (`P` is a [`Var`](crate::Var)).
/// `#[derive(Params)]` reads the field types:
///
/// - `P` is a leaf; `Option<P>`, `Vec<P>` and `[P; N]` hold leaves. The struct's leaf type
///   parameter must be named `P`.
/// - Another type that mentions `P`, or another type parameter, is a child model; so are `Option`,
///   `Vec` and arrays of child models.
/// - Anything else is configuration, and is cloned. `#[params(skip)]` makes any field
///   configuration.
/// - `#[params(buffer)]` makes leaves and child models [buffers](#buffers).
///
/// Leaves are visited in the order of the fields, and named by their path: `cell.x.weight`,
/// `layers.0.bias`. To tie two weights, use one field twice. A tensor by itself, or a `Vec` of
/// tensors, is no model: make it the field of a struct.
///
/// ```
/// use unspool::{Params, ParamsExt, Tensor};
///
/// #[derive(Params)]
/// struct Gate<P> { weight: P, bias: P }
///
/// #[derive(Params)]
/// struct Cell<P> { forget: Gate<P>, others: Vec<Gate<P>>, hidden: usize }
///
/// let gate = || Gate { weight: Tensor::<f32>::zeros([4, 4]), bias: Tensor::zeros([4]) };
/// let cell = Cell { forget: gate(), others: vec![gate()], hidden: 4 };
/// assert_eq!(cell.names(), ["forget.weight", "forget.bias", "others.0.weight", "others.0.bias"]);
/// assert_eq!(cell.parameter_count(), 40);
/// ```
///
/// # Buffers
///
/// A buffer is a tensor of the model that is not trained: the running mean of a normalization, a
/// mask, a frozen copy of another model. It is saved, loaded, cast and cloned with the model like
/// any leaf, and has a name. [`Tape::bind`](crate::Tape::bind) makes it a constant, its gradient is
/// zero, and no optimizer sees it: neither step nor weight decay nor gradient norm. Code of yours
/// changes it, between two tapes. As PyTorch's `register_buffer`.
///
/// ```
/// use unspool::{Params, ParamsExt, Tape, Tensor};
///
/// #[derive(Params)]
/// struct Centered<P> {
///     gain: P,
///     #[params(buffer)]
///     mean: P,
/// }
///
/// let mut model = Centered { gain: Tensor::<f32>::ones([2]), mean: Tensor::zeros([2]) };
/// assert_eq!((model.names(), model.parameter_count()), (vec!["gain".to_string()], 2));
/// let mut tape = Tape::new();
/// for x in [[1.0, 3.0], [3.0, 5.0]] {
///     let x = Tensor::from_slice(&x, [2]);
///     let net = tape.bind(&model);
///     let gradients = ((tape.constant(&x) - net.mean) * net.gain).sum().backward().of(&net);
///     assert_eq!(gradients.mean, Tensor::zeros([2]));
///     tape.reset();
///     model.mean.update(&x, |mean, x| mean + 0.5 * (x - mean));
/// }
/// assert_eq!(model.mean.to_vec(), [1.75, 3.25]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model with leaves `{P}`",
    note = "a model is a struct generic in its leaf, whose name is `P`: `struct Model<P> {{ weight: P }}`, and derives `Params`; fields of configuration do not mention `P`"
)]
pub trait Params<P> {
    /// The same model with leaves of type `Q`.
    type With<Q>: Params<Q, With<P> = Self>;

    /// The same model with each leaf, also of a buffer, replaced by `f` of its name and value.
    /// `path` is the path of this model in a larger one; the outermost call passes [`Path::ROOT`].
    fn map_leaves<Q>(&self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &P) -> Q) -> Self::With<Q>;

    /// Calls `f` with the name and value of each leaf, also of a buffer, in the order of the fields.
    fn visit_leaves<'a>(&'a self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a P))
    where
        P: 'a;

    /// Calls `f` with the name and value of each leaf, also of a buffer, in the order of the fields.
    fn visit_leaves_mut<'a>(&'a mut self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a mut P))
    where
        P: 'a;

    /// This model with each leaf replaced by `f` of it and of the same leaf of another model of the
    /// kind: JAX's `tree_map` of two.
    ///
    /// ```
    /// use unspool::{Params, Tensor};
    ///
    /// #[derive(Params)]
    /// struct Line<P> { slope: P, offset: P }
    ///
    /// let line = Line { slope: Tensor::scalar(2.0), offset: Tensor::scalar(1.0) };
    /// let step = Line { slope: Tensor::scalar(0.5), offset: Tensor::scalar(0.25) };
    /// let moved = line.zip_leaves(&step, |parameter, step| parameter - step);
    /// assert_eq!((moved.slope.item(), moved.offset.item()), (1.5, 0.75));
    /// ```
    ///
    /// # Panics
    /// If the other model has another number of leaves.
    #[track_caller]
    fn zip_leaves<R, Q>(&self, other: &impl Params<R>, mut f: impl FnMut(&P, &R) -> Q) -> Self::With<Q>
    where
        Self: Sized,
    {
        let (mut ours, mut leaves) = (0, Vec::new());
        self.visit_leaves(Path::ROOT, &mut |_, _| ours += 1);
        other.visit_leaves(Path::ROOT, &mut |_, leaf| leaves.push(leaf));
        let theirs = leaves.len();
        ensure!(ours == theirs, "zip_leaves: a model of {ours} leaves and one of {theirs}");
        let mut leaves = leaves.into_iter();
        self.map_leaves(Path::ROOT, &mut |_, leaf| f(leaf, leaves.next().expect("as many leaves")))
    }
}
