//! Values of one tape, bound to another.

use crate::params::{Params, Path};
use crate::tape::{Tape, Var};
use unspool_tensor::{Scalar, Tensor};

/// What [`Tape::sum_over_rows`] binds to the tape of each part: a model that is bound to a tape, or an
/// array of variables.
///
/// ```
/// use unspool::prelude::*;
/// let (layer, xs) = (Dense::<Tensor>::new(&mut rng(0), 3, 1), Tensor::ones([10_000, 3]));
/// let tape = Tape::new();
/// let net = tape.bind(&layer);
/// let sum = tape.sum_over_rows(10_000, &net, |tape, net, rows| net.forward(tape.constant(&xs.slice(0, rows))).sum());
/// let gradients = sum.backward().of(&net);
/// assert_eq!(gradients.bias.to_vec(), [10_000.0]);
/// ```
pub trait Rebind<'t, T: Scalar> {
    /// The same, bound to another tape.
    type On<'p>;
    /// The same, on no tape.
    #[doc(hidden)]
    type Held: Sync;

    /// The values, and their variables in the same order.
    #[doc(hidden)]
    fn hold(&self) -> (Self::Held, Vec<Var<'t, T>>);

    /// The values, each bound by `bind`.
    #[doc(hidden)]
    fn bind<'p>(held: &Self::Held, bind: &mut dyn FnMut(Path<'_>, &Held<T>) -> Var<'p, T>) -> Self::On<'p>;
}

/// A value on no tape.
#[doc(hidden)]
#[derive(Debug)]
pub struct Held<T: Scalar> {
    value: Tensor<T>,
    pub(super) needs_gradient: bool,
}

impl<T: Scalar> Held<T> {
    #[track_caller]
    fn of(var: Var<'_, T>) -> Self {
        Held { value: var.value(), needs_gradient: var.requires_grad() }
    }

    pub(super) fn bind<'p>(&self, path: Path<'_>, tape: &'p Tape<T>) -> Var<'p, T> {
        tape.bind_leaf(path, &self.value, self.needs_gradient)
    }
}

impl<'t, T: Scalar, const N: usize> Rebind<'t, T> for [Var<'t, T>; N] {
    type On<'p> = [Var<'p, T>; N];
    type Held = [Held<T>; N];

    fn hold(&self) -> (Self::Held, Vec<Var<'t, T>>) {
        (self.map(Held::of), self.to_vec())
    }

    fn bind<'p>(held: &Self::Held, bind: &mut dyn FnMut(Path<'_>, &Held<T>) -> Var<'p, T>) -> Self::On<'p> {
        held.each_ref().map(|value| bind(Path::ROOT, value))
    }
}

/// A model of held values.
///
/// The same as `Params<Held<T>>`. Of that, the compiler would conclude that a model which was bound to one
/// tape has the type of this tape's variables on every tape.
#[doc(hidden)]
pub trait HeldModel<T: Scalar>: Sync {
    type With<Q>;
    fn map_values<Q>(&self, f: &mut dyn FnMut(Path<'_>, &Held<T>) -> Q) -> Self::With<Q>;
}

impl<T: Scalar, M: Params<Held<T>> + Sync> HeldModel<T> for M {
    type With<Q> = M::With<Q>;
    fn map_values<Q>(&self, f: &mut dyn FnMut(Path<'_>, &Held<T>) -> Q) -> M::With<Q> {
        self.map_leaves(Path::ROOT, f)
    }
}

/// A model, bound to a tape.
impl<'t, T: Scalar, N: Params<Var<'t, T>>> Rebind<'t, T> for &N
where
    N::With<Held<T>>: HeldModel<T>,
{
    type On<'p> = <N::With<Held<T>> as HeldModel<T>>::With<Var<'p, T>>;
    type Held = N::With<Held<T>>;

    fn hold(&self) -> (Self::Held, Vec<Var<'t, T>>) {
        let mut vars = Vec::new();
        let held = self.map_leaves(Path::ROOT, &mut |_, &var| {
            vars.push(var);
            Held::of(var)
        });
        (held, vars)
    }

    fn bind<'p>(held: &Self::Held, bind: &mut dyn FnMut(Path<'_>, &Held<T>) -> Var<'p, T>) -> Self::On<'p> {
        held.map_values(bind)
    }
}
