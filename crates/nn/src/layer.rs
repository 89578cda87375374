//! What layers have in common.

use unspool_autograd::{Params, Scalar, Tensor, Var};

/// Something that makes one value from another: a layer bound to a tape.
pub trait Layer<'t, T: Scalar> {
    /// What the layer makes: a [`Var`], or something that turns into one.
    type Output: Into<Var<'t, T>>;

    /// The layer's output for the input `x`.
    #[track_caller]
    fn forward(&self, x: Var<'t, T>) -> Self::Output;
}

/// A model of tensors that is a [`Layer`] when bound to a tape: what [`fit`](crate::fit) trains.
///
/// Implemented for every type that qualifies; nobody needs to write it.
pub trait Model<'t, T: Scalar>: Params<Tensor<T>> {
    /// The output of the bound model for the input `x`.
    #[track_caller]
    fn output(net: &Self::With<Var<'t, T>>, x: Var<'t, T>) -> Var<'t, T>;
}

impl<'t, T: Scalar, M: Params<Tensor<T>>> Model<'t, T> for M
where
    M::With<Var<'t, T>>: Layer<'t, T>,
{
    fn output(net: &Self::With<Var<'t, T>>, x: Var<'t, T>) -> Var<'t, T> {
        net.forward(x).into()
    }
}
