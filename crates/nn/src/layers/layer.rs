//! What layers have in common.

use crate::layers::masks::each_step;
use crate::mode::Mode;
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// A layer bound to a tape: a function from one variable to another.
pub trait Layer<'t, T: Scalar> {
    /// The output of the layer: a [`Var`], or something that converts into one.
    type Output: Into<Var<'t, T>>;

    /// The output for the input `x`, in evaluation.
    #[track_caller]
    fn forward(&self, x: Var<'t, T>) -> Self::Output;

    /// The output in training or evaluation. Layers without dropout need not implement it; layers
    /// made of others pass `mode` on, [folded](Mode::fold_in) with the index of each.
    #[track_caller]
    fn forward_in(&self, x: Var<'t, T>, mode: Mode) -> Self::Output {
        let _ = mode;
        self.forward(x)
    }

    /// The output for sequences of different lengths, one for each sequence of the batch. What
    /// follows the end of a sequence is padding and changes nothing, whatever its values.
    ///
    /// Layers over sequences implement it; so do layers that compute each step independently, as
    /// [`forward_in`](Layer::forward_in) of the input with [zeros](crate::layers::zero_padding) as
    /// padding, and layers made of others, which pass the lengths on.
    ///
    /// # Panics
    /// If there are lengths and the layer does not support them: padding is never silently taken
    /// for data.
    #[track_caller]
    fn forward_lengths(&self, x: Var<'t, T>, lengths: Option<&[usize]>, mode: Mode) -> Self::Output {
        assert!(
            lengths.is_none(),
            "forward_lengths: this layer does not support lengths: implement forward_lengths for it"
        );
        self.forward_in(x, mode)
    }
}

/// A model of tensors that is a [`Layer`] when bound to a tape: what [`fit`](crate::train::fit)
/// trains.
///
/// It is implemented for every type that qualifies.
pub trait Model<'t, T: Scalar>: Params<Tensor<T>> {
    /// The output of the bound model for the input `x`, whose sequences may have different lengths,
    /// in training or evaluation.
    #[track_caller]
    fn output(net: &Self::With<Var<'t, T>>, x: Var<'t, T>, lengths: Option<&[usize]>, mode: Mode) -> Var<'t, T>;
}

impl<'t, T: Scalar, M: Params<Tensor<T>>> Model<'t, T> for M
where
    M::With<Var<'t, T>>: Layer<'t, T>,
{
    fn output(net: &Self::With<Var<'t, T>>, x: Var<'t, T>, lengths: Option<&[usize]>, mode: Mode) -> Var<'t, T> {
        // Also for custom models that do not pass lengths on to their layers.
        net.forward_lengths(each_step(x, lengths), lengths, mode).into()
    }
}
