//! What layers have in common.

use crate::layers::padding::each_step;
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
    /// left out at random need not write it; layers made of others hand `mode` on, with a [`part`](Mode::fold_in) for each.
    #[track_caller]
    fn forward_in(&self, x: Var<'t, T>, mode: Mode) -> Self::Output {
        let _ = mode;
        self.forward(x)
    }

    /// The layer's output for sequences of different lengths, one for each of the batch: what lies behind a sequence's end is
    /// padding, and changes nothing, whatever stands there. Layers over sequences write it; so do layers that treat every step
    /// by itself, for which it is [`forward_in`](Layer::forward_in) of the input with [zeros](crate::layers::zero_padding) for its
    /// padding, and layers made of others, which hand the lengths on.
    ///
    /// # Panics
    /// If there are lengths, and the layer takes none: padding is never taken for data in silence.
    #[track_caller]
    fn forward_lengths(&self, x: Var<'t, T>, lengths: Option<&[usize]>, mode: Mode) -> Self::Output {
        assert!(
            lengths.is_none(),
            "forward_lengths: this layer takes no lengths: it must have a forward_lengths of its own"
        );
        self.forward_in(x, mode)
    }
}

/// A model of tensors that is a [`Layer`] when bound to a tape: what [`fit`](crate::train::fit) trains.
///
/// Implemented for every type that qualifies; nobody needs to write it.
pub trait Model<'t, T: Scalar>: Params<Tensor<T>> {
    /// The output of the bound model for the input `x`, whose sequences may have different lengths, in training or
    /// evaluation.
    #[track_caller]
    fn output(net: &Self::With<Var<'t, T>>, x: Var<'t, T>, lengths: Option<&[usize]>, mode: Mode) -> Var<'t, T>;
}

impl<'t, T: Scalar, M: Params<Tensor<T>>> Model<'t, T> for M
where
    M::With<Var<'t, T>>: Layer<'t, T>,
{
    fn output(net: &Self::With<Var<'t, T>>, x: Var<'t, T>, lengths: Option<&[usize]>, mode: Mode) -> Var<'t, T> {
        // Also for models of one's own, whose layers may not be told of lengths.
        net.forward_lengths(each_step(x, lengths), lengths, mode).into()
    }
}
