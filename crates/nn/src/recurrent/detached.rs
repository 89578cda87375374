//! The tensors of a state, away from any tape.

use crate::recurrent::state::State;
use unspool_autograd::{Scalar, Tensor, Var};

/// What a [`State`] is once it is [detached](State::detached): a tensor, a tuple or a `Vec` of such,
/// or a struct of tensors whose variables derive [`State`].
///
/// Where a `State` knows its tensors, this knows the variables that it becomes on a tape of any
/// element type: of numbers, or of [`Dual`](unspool_autograd::Dual) numbers for a derivative along
/// the way.
pub trait DetachedState: Sized {
    /// The element type of the tensors.
    type Number: Scalar;
    /// The same with variables instead of tensors.
    type Attached<'t, T: Scalar>: State<'t, T>;

    /// The state with each tensor replaced by the variable that `f` returns for it.
    fn attach_with<'t, T: Scalar>(
        &self,
        f: &mut dyn FnMut(&Tensor<Self::Number>) -> Var<'t, T>,
    ) -> Self::Attached<'t, T>;

    /// The state with `f` applied to each tensor, in the order of [`State::visit`].
    fn map_tensors(&self, f: &mut dyn FnMut(&Tensor<Self::Number>) -> Tensor<Self::Number>) -> Self;
}

impl<N: Scalar> DetachedState for Tensor<N> {
    type Number = N;
    type Attached<'t, T: Scalar> = Var<'t, T>;

    fn attach_with<'t, T: Scalar>(&self, f: &mut dyn FnMut(&Tensor<N>) -> Var<'t, T>) -> Var<'t, T> {
        f(self)
    }

    fn map_tensors(&self, f: &mut dyn FnMut(&Tensor<N>) -> Tensor<N>) -> Self {
        f(self)
    }
}

/// The states of several layers.
impl<D: DetachedState> DetachedState for Vec<D> {
    type Number = D::Number;
    type Attached<'t, T: Scalar> = Vec<D::Attached<'t, T>>;

    fn attach_with<'t, T: Scalar>(&self, f: &mut dyn FnMut(&Tensor<D::Number>) -> Var<'t, T>) -> Self::Attached<'t, T> {
        self.iter().map(|state| state.attach_with(f)).collect()
    }

    fn map_tensors(&self, f: &mut dyn FnMut(&Tensor<D::Number>) -> Tensor<D::Number>) -> Self {
        self.iter().map(|state| state.map_tensors(f)).collect()
    }
}

macro_rules! tuple {
    ($A:ident 0 $(, $D:ident $i:tt)+) => {
        impl<$A: DetachedState, $($D: DetachedState<Number = $A::Number>),+> DetachedState for ($A, $($D),+) {
            type Number = $A::Number;
            type Attached<'t, T: Scalar> = ($A::Attached<'t, T>, $($D::Attached<'t, T>),+);

            fn attach_with<'t, T: Scalar>(
                &self,
                f: &mut dyn FnMut(&Tensor<$A::Number>) -> Var<'t, T>,
            ) -> Self::Attached<'t, T> {
                (self.0.attach_with(f), $(self.$i.attach_with(f)),+)
            }

            fn map_tensors(&self, f: &mut dyn FnMut(&Tensor<$A::Number>) -> Tensor<$A::Number>) -> Self {
                (self.0.map_tensors(f), $(self.$i.map_tensors(f)),+)
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
