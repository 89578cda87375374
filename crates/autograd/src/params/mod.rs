//! Models as structs that are generic in their leaf.

mod ext;

pub use ext::ParamsExt;

use std::fmt;

/// A model whose parameters (its leaves) are values of type `P`.
///
/// The same struct holds weights, gradients and optimiser moments (`P` is a [`Tensor`](crate::Tensor)) or is
/// bound to a tape (`P` is a [`Var`](crate::Var)). `#[derive(Params)]` reads the field types:
///
/// - `P` is a leaf; `Option<P>`, `Vec<P>` and `[P; N]` hold leaves. The struct's leaf type parameter must be named `P`.
/// - Another type that mentions `P`, or another type parameter, is a child model; so are `Option`, `Vec` and arrays of
///   child models.
/// - Anything else is configuration, and is cloned. `#[params(skip)]` makes any field configuration.
///
/// Leaves are visited in the order of the fields, and named by their path: `cell.x.weight`, `layers.0.bias`.
/// To tie two weights, use one field twice.
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

    /// The same model with each leaf replaced by `f` of its name and value. `path` is where this model stands
    /// in a larger one; the outermost call passes [`Path::ROOT`].
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

/// Where a leaf stands in its model. Displays as a dotted name, `cell.x.weight`.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    segment: Option<Segment>,
}

/// One part of a [`Path`].
#[derive(Clone, Copy, Debug)]
pub enum Segment {
    /// A named field.
    Field(&'static str),
    /// A position in a tuple, an array or a list.
    Index(usize),
}

impl<'a> Path<'a> {
    /// The path of the outermost model: no name yet.
    pub const ROOT: Path<'static> = Path { parent: None, segment: None };

    /// This path, one segment longer.
    pub fn join(&'a self, segment: Segment) -> Path<'a> {
        Path { parent: Some(self), segment: Some(segment) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            fmt::Display::fmt(parent, f)?;
            if parent.segment.is_some() {
                f.write_str(".")?;
            }
        }
        match self.segment {
            Some(Segment::Field(name)) => f.write_str(name),
            Some(Segment::Index(i)) => write!(f, "{i}"),
            None => Ok(()),
        }
    }
}

/// No parameters at all.
impl<P> Params<P> for () {
    type With<Q> = ();
    fn map_leaves<Q>(&self, _: Path<'_>, _: &mut dyn FnMut(Path<'_>, &P) -> Q) {}
    fn visit_leaves<'a>(&'a self, _: Path<'_>, _: &mut dyn FnMut(Path<'_>, &'a P))
    where
        P: 'a,
    {
    }
    fn visit_leaves_mut<'a>(&'a mut self, _: Path<'_>, _: &mut dyn FnMut(Path<'_>, &'a mut P))
    where
        P: 'a,
    {
    }
}

/// Lists and arrays of models, named by their place: the two bodies differ only in how the container maps.
macro_rules! container {
    ([$($generics:tt)*] $container:ty, $with:ty, |$self:ident, $each:ident| $map:expr) => {
        impl<P, M: Params<P>, $($generics)*> Params<P> for $container {
            type With<Q> = $with;

            fn map_leaves<Q>(&self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &P) -> Q) -> Self::With<Q> {
                let $self = self;
                let mut $each = |i: usize, model: &M| model.map_leaves(path.join(Segment::Index(i)), f);
                $map
            }
            fn visit_leaves<'a>(&'a self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a P))
            where
                P: 'a,
            {
                for (i, model) in self.iter().enumerate() {
                    model.visit_leaves(path.join(Segment::Index(i)), f);
                }
            }
            fn visit_leaves_mut<'a>(&'a mut self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a mut P))
            where
                P: 'a,
            {
                for (i, model) in self.iter_mut().enumerate() {
                    model.visit_leaves_mut(path.join(Segment::Index(i)), f);
                }
            }
        }
    };
}
container!([] Vec<M>, Vec<M::With<Q>>, |list, each| list.iter().enumerate().map(|(i, m)| each(i, m)).collect());
container!([const N: usize] [M; N], [M::With<Q>; N], |array, each| std::array::from_fn(|i| each(i, &array[i])));

/// A model that may be missing. It adds nothing to the names.
impl<P, M: Params<P>> Params<P> for Option<M> {
    type With<Q> = Option<M::With<Q>>;

    fn map_leaves<Q>(&self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &P) -> Q) -> Self::With<Q> {
        self.as_ref().map(|model| model.map_leaves(path, f))
    }
    fn visit_leaves<'a>(&'a self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a P))
    where
        P: 'a,
    {
        if let Some(model) = self {
            model.visit_leaves(path, f);
        }
    }
    fn visit_leaves_mut<'a>(&'a mut self, path: Path<'_>, f: &mut dyn FnMut(Path<'_>, &'a mut P))
    where
        P: 'a,
    {
        if let Some(model) = self {
            model.visit_leaves_mut(path, f);
        }
    }
}
