//! What layers over sequences have in common.

use crate::cell::Cell;
use crate::layer::Layer;
use crate::mode::Mode;
use crate::recurrent::Recurrent;
use crate::state::State;
use crate::unroll::Unrolled;
use unspool_autograd::{Scalar, Var};

/// A layer over a sequence `[T, B, F]` whose sequences may have different lengths: [`Recurrent`],
/// [`Bidirectional`](crate::Bidirectional), [`Stack`](crate::Stack), or yours.
pub trait SequenceLayer<'t, T: Scalar>: Layer<'t, T, Output: Outputs<'t, T>> {
    /// The layer over `xs`. With lengths, what lies behind a sequence's own number of time steps is padding: it costs
    /// nothing, its outputs are zeros, and it has no part in any gradient.
    ///
    /// # Panics
    /// If `xs` is not a sequence `[T, B, F]` of at least one step, or the lengths do not fit it.
    #[track_caller]
    fn forward_lengths(&self, xs: Var<'t, T>, lengths: Option<&[usize]>, mode: Mode) -> Self::Output;
}

/// What a layer over a sequence makes.
pub trait Outputs<'t, T: Scalar> {
    /// The outputs of all time steps, `[T, B, H]`, in the order of time.
    fn sequence(&self) -> Var<'t, T>;
    /// The output of the step made last, of each sequence, `[B, H]`.
    fn last(&self) -> Var<'t, T>;
}

impl<'t, T: Scalar, S: State<'t, T>> Outputs<'t, T> for Unrolled<'t, T, S> {
    fn sequence(&self) -> Var<'t, T> {
        Unrolled::sequence(self)
    }

    fn last(&self) -> Var<'t, T> {
        Unrolled::last(self)
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> SequenceLayer<'t, T> for Recurrent<C> {
    #[track_caller]
    fn forward_lengths(&self, xs: Var<'t, T>, lengths: Option<&[usize]>, mode: Mode) -> Self::Output {
        let run = self.unroll(xs).mode(mode);
        match lengths {
            Some(lengths) => run.lengths(lengths).run(),
            None => run.run(),
        }
    }
}
