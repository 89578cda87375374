//! Models as structs that are generic in their leaf.
//!
//! What must stay true: every walk over a model visits its leaves in the order of its fields, with
//! the same names; nothing is looked up by name.

mod containers;
mod ext;
mod path;

pub use ext::ParamsExt;
pub use path::{Path, Segment};

/// A model whose parameters (its leaves) are values of type `P`.
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
///
/// Leaves are visited in the order of the fields, and named by their path: `cell.x.weight`,
/// `layers.0.bias`. To tie two weights, use one field twice. A tensor by itself, or a `Vec` of
/// tensors, is no model: make it the field of a struct.
///
/// ```
/// use unspool_autograd::{Params, Tensor, ParamsExt};
///
/// #[derive(Params)]
/// #[params(crate = unspool_autograd)]
/// struct Gate<P> { weight: P, bias: P }
///
/// #[derive(Params)]
/// #[params(crate = unspool_autograd)]
/// struct Cell<P> { forget: Gate<P>, others: Vec<Gate<P>>, hidden: usize }
///
/// let gate = || Gate { weight: Tensor::<f32>::zeros([4, 4]), bias: Tensor::zeros([4]) };
/// let cell = Cell { forget: gate(), others: vec![gate()], hidden: 4 };
/// assert_eq!(cell.names(), ["forget.weight", "forget.bias", "others.0.weight", "others.0.bias"]);
/// assert_eq!(cell.parameter_count(), 40);
/// ```
pub trait Params<P> {
    /// The same model with leaves of type `Q`.
    type With<Q>: Params<Q, With<P> = Self>;

    /// The same model with each leaf replaced by `f` of its name and value. `path` is the path of
    /// this model in a larger one; the outermost call passes [`Path::ROOT`].
    fn map_leaves<Q>(&self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &P) -> Q) -> Self::With<Q>;

    /// Calls `f` with the name and value of each leaf, in the order of the fields.
    fn visit_leaves<'a>(&'a self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a P))
    where
        P: 'a;

    /// Calls `f` with the name and value of each leaf, in the order of the fields.
    fn visit_leaves_mut<'a>(&'a mut self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a mut P))
    where
        P: 'a;
}
