//! What layers have in common.

use crate::mode::Mode;
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// Something that makes one value from another: a layer bound to a tape.
pub trait Layer<'t, T: Scalar> {
    /// What the layer makes: a [`Var`], or something that turns into one.
    type Output: Into<Var<'t, T>>;

    /// The layer's output for the input `x`.
    #[track_caller]
    fn forward(&self, x: Var<'t, T>) -> Self::Output;

    /// The layer's output in training or evaluation; [`forward`](Layer::forward) evaluates. Layers in which nothing is
    /// left out at random need not write it; layers made of others hand `mode` on, with a [`part`](Mode::part) for each.
    #[track_caller]
    fn forward_in(&self, x: Var<'t, T>, mode: Mode) -> Self::Output {
        let _ = mode;
        self.forward(x)
    }
}

/// A model of tensors that is a [`Layer`] when bound to a tape: what [`fit`](crate::fit) trains.
///
/// Implemented for every type that qualifies; nobody needs to write it.
pub trait Model<'t, T: Scalar>: Params<Tensor<T>> {
    /// The output of the bound model for the input `x`, in training or evaluation.
    #[track_caller]
    fn output(net: &Self::With<Var<'t, T>>, x: Var<'t, T>, mode: Mode) -> Var<'t, T>;
}

impl<'t, T: Scalar, M: Params<Tensor<T>>> Model<'t, T> for M
where
    M::With<Var<'t, T>>: Layer<'t, T>,
{
    fn output(net: &Self::With<Var<'t, T>>, x: Var<'t, T>, mode: Mode) -> Var<'t, T> {
        net.forward_in(x, mode).into()
    }
}
