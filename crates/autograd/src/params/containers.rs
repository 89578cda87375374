//! Models in lists, arrays and options, and the model without parameters.

use super::{Params, Path, Segment};

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

/// Lists and arrays of models, named by their index: the two bodies differ only in how the
/// container maps.
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
