//! The tensors of a state, away from any tape.

use crate::recurrent::state::State;
use unspool_autograd::{Scalar, Tensor, Var};

/// What a [`State`] is once it is [detached](State::detached): a tensor, a tuple or a `Vec` of such,
/// or a struct of tensors whose variables derive [`State`].
///
/// Where a `State` knows its tensors, this knows the variables that it becomes on a tape of any
/// element type: of numbers, or of [`Dual`](unspool_autograd::Dual) numbers for a derivative along
/// the way.
///
/// ```
/// use unspool::recurrent::DetachedState;
/// use unspool::tensor::Dual;
/// use unspool::{State, Tape, Tensor, Var};
/// let state = (Tensor::<f64>::ones([1, 3]), vec![Tensor::zeros([1, 2])]);
/// let tape = Tape::<Dual<f64>>::new();
/// let attached: (Var<'_, Dual<f64>>, Vec<Var<'_, Dual<f64>>>) =
///     state.attach_with(&mut |part| tape.constant(&part.cast()));
/// let doubled = attached.map(&mut |part| part * 2.0);
/// let (h, rest): (Tensor<f64>, Vec<Tensor<f64>>) = DetachedState::detach_with(&doubled, &mut |part| part.value().values());
/// assert_eq!((h.to_vec(), rest.len()), (vec![2.0; 3], 1));
/// ```
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

    /// The reverse of [`attach_with`](DetachedState::attach_with): the state with each variable
    /// replaced by the tensor that `f` returns for it. Both go in the order of [`State::visit`].
    fn detach_with<'t, T: Scalar>(
        attached: &Self::Attached<'t, T>,
        f: &mut dyn FnMut(Var<'t, T>) -> Tensor<Self::Number>,
    ) -> Self;
}

impl<N: Scalar> DetachedState for Tensor<N> {
    type Number = N;
    type Attached<'t, T: Scalar> = Var<'t, T>;

    fn attach_with<'t, T: Scalar>(&self, f: &mut dyn FnMut(&Tensor<N>) -> Var<'t, T>) -> Var<'t, T> {
        f(self)
    }

    fn detach_with<'t, T: Scalar>(attached: &Var<'t, T>, f: &mut dyn FnMut(Var<'t, T>) -> Tensor<N>) -> Self {
        f(*attached)
    }
}

/// The states of several layers.
impl<D: DetachedState> DetachedState for Vec<D> {
    type Number = D::Number;
    type Attached<'t, T: Scalar> = Vec<D::Attached<'t, T>>;

    fn attach_with<'t, T: Scalar>(&self, f: &mut dyn FnMut(&Tensor<D::Number>) -> Var<'t, T>) -> Self::Attached<'t, T> {
        self.iter().map(|state| state.attach_with(f)).collect()
    }

    fn detach_with<'t, T: Scalar>(
        attached: &Self::Attached<'t, T>,
        f: &mut dyn FnMut(Var<'t, T>) -> Tensor<D::Number>,
    ) -> Self {
        attached.iter().map(|state| D::detach_with(state, f)).collect()
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

            fn detach_with<'t, T: Scalar>(
                attached: &Self::Attached<'t, T>,
                f: &mut dyn FnMut(Var<'t, T>) -> Tensor<$A::Number>,
            ) -> Self {
                ($A::detach_with(&attached.0, f), $($D::detach_with(&attached.$i, f)),+)
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
