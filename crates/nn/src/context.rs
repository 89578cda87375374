//! How a layer runs, as an argument.

use crate::mode::Mode;
use std::fmt::Debug;
use unspool_autograd::{Scalar, Shape, Tensor, Var};

/// How a layer runs: in training or evaluation, and over which time steps of its input.
///
/// It is the argument of [`apply`](crate::layers::Layer::apply), and is copied like a number. A
/// layer made of others passes it on, [folded](Context::fold_in) with the index of each. The
/// default is evaluation over all time steps.
///
/// ```
/// use unspool::prelude::*;
/// let layer = Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 3, 8));
/// let tape = Tape::new();
/// let xs = tape.constant(&Tensor::ones([5, 2, 3])); // two sequences, of 5 and of 2 steps
/// let cx = Context::training(7).with_lengths(&[5, 2]);
/// assert_eq!(cx.mode, Mode::Training { seed: 7 });
/// assert_eq!(tape.bind(&layer).apply(xs, cx).last().shape()[..], [2, 8]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// Training or evaluation.
    pub mode: Mode,
    pub(crate) valid: Valid<'a>,
    /// Whether nothing reads the outputs of a recurrent layer but the last.
    pub(crate) only_last: bool,
}

/// Which steps of a batch of sequences are valid.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Valid<'a> {
    #[default]
    All,
    /// A sequence ends after its length.
    Lengths(&'a [usize]),
    /// `[T, B]`: any steps.
    Mask(&'a dyn StepMask),
}

/// A mask of steps, whatever the type of its numbers.
pub(crate) trait StepMask: Debug + Sync {
    fn shape(&self) -> Shape;
    /// Which of its elements are not 0.
    fn steps(&self) -> Vec<bool>;
}

impl<T: Scalar> StepMask for Tensor<T> {
    fn shape(&self) -> Shape {
        Tensor::shape(self)
    }

    fn steps(&self) -> Vec<bool> {
        self.to_vec().into_iter().map(|valid| valid != T::ZERO).collect()
    }
}

impl From<Mode> for Context<'_> {
    /// The mode, over all time steps.
    fn from(mode: Mode) -> Self {
        Context { mode, ..Context::default() }
    }
}

impl<'a> Context<'a> {
    /// Training, with the seed of whatever is random.
    pub fn training(seed: u64) -> Self {
        Mode::Training { seed }.into()
    }

    /// The same, for sequences of different lengths, one for each sequence of the batch. What
    /// follows the end of a sequence is padding and changes nothing, whatever its values.
    pub fn with_lengths(self, lengths: &'a [usize]) -> Self {
        Context { valid: Valid::Lengths(lengths), ..self }
    }

    /// The same, for sequences some of whose steps are not valid: those where the mask `[T, B]`, one
    /// element for each step of each sequence, is 0. It replaces lengths.
    ///
    /// A recurrent layer skips these steps: the state stays as it is, and the output is that of the
    /// step before.
    pub fn with_mask<T: Scalar>(self, mask: &'a Tensor<T>) -> Self {
        Context { valid: Valid::Mask(mask), ..self }
    }

    /// The same with all time steps valid: for what comes after a layer that has turned sequences
    /// into one row each.
    pub fn without_steps(self) -> Context<'static> {
        Context { valid: Valid::All, ..self }
    }

    /// The same, where only the last output and the state of a recurrent layer are read, not the
    /// sequence: it is not kept. In evaluation, a sequence of any length then takes the memory of
    /// a few steps.
    pub fn without_sequence(self) -> Self {
        Context { only_last: true, ..self }
    }

    /// The same, where the outputs of all steps are read.
    pub(crate) fn with_sequence(self) -> Self {
        Context { only_last: false, ..self }
    }

    /// The lengths of the sequences, if they were given.
    pub fn lengths(&self) -> Option<&'a [usize]> {
        match self.valid {
            Valid::Lengths(lengths) => Some(lengths),
            Valid::All | Valid::Mask(_) => None,
        }
    }

    /// The context of part `i` of a layer: the mode with `i` [folded into](Mode::fold_in) its seed.
    pub fn fold_in(self, i: usize) -> Self {
        Context { mode: self.mode.fold_in(i), ..self }
    }

    /// In training, [`dropout`](Var::dropout); in evaluation, `x` as is.
    ///
    /// # Panics
    /// In training, if `rate` is not at least 0 and less than 1.
    #[track_caller]
    pub fn dropout<T: Scalar>(self, x: Var<'_, T>, rate: f64) -> Var<'_, T> {
        self.mode.dropout(x, rate)
    }

    /// For a layer that mixes time steps without regard to lengths or a mask.
    ///
    /// # Panics
    /// If there are any: padding must not be taken for data in silence.
    #[track_caller]
    pub fn require_all_steps(&self, layer: &str) {
        ensure!(matches!(self.valid, Valid::All), "{layer}: this layer supports neither lengths nor a mask");
    }
}
