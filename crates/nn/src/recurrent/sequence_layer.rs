//! What layers over sequences have in common.

use crate::layers::layer::Layer;
use crate::mode::Mode;
use crate::recurrent::cell::Cell;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::output::RecurrentOutput;
use crate::recurrent::state::State;
use unspool_autograd::{Scalar, Var};

/// A layer over a sequence `[T, B, F]` whose sequences may have different lengths: [`Recurrent`],
/// [`Bidirectional`](crate::recurrent::Bidirectional), [`Stack`](crate::recurrent::Stack), or yours.
///
/// A stack of layers over one long sequence, window by window:
///
/// ```
/// use unspool_nn::{Mode, rng};
/// use unspool_nn::cells::Lstm;
/// use unspool_nn::recurrent::{SequenceOutput, Recurrent, SequenceLayer, Stack, State};
/// use unspool_autograd::{Tape, Tensor};
/// let rng = &mut rng(0);
/// let stack: Stack<Recurrent<Lstm<Tensor>>> = Stack::new([Lstm::new(rng, 3, 5), Lstm::new(rng, 5, 5)].map(Recurrent::new));
/// let mut tape = Tape::new();
/// let mut carried = None;
/// for window in 0..3 {
///     let net = tape.bind(&stack);
///     let xs = tape.constant(&Tensor::full(window as f32, [20, 4, 3]));
///     let state = carried.as_ref().map(|carried| State::attach(&tape, carried));
///     let run = net.run(xs, state, None, Mode::Training { seed: window });
///     let gradients = run.sequence().square().mean().backward().of(&net);
///     carried = Some(run.state().detach()); // (h, c) of each layer
///     tape.reset();
/// }
/// # assert_eq!(carried.unwrap()[1].0.shape()[..], [4, 5]);
/// ```
pub trait SequenceLayer<'t, T: Scalar>: Layer<'t, T, Output: SequenceOutput<'t, T, State = Self::State>> {
    /// What is handed from step to step: that of the cell; of layers made of several, that of each.
    type State: State<'t, T>;

    /// The layer over `xs`, from a state (`None` for zero) and with lengths, in training or evaluation. What lies behind a
    /// sequence's own number of time steps is padding: it costs nothing, its outputs are zeros, and it has no part in any
    /// gradient.
    ///
    /// # Panics
    /// If `xs` is not a sequence `[T, B, F]` of at least one step, or the state or the lengths do not fit it.
    #[track_caller]
    fn run(&self, xs: Var<'t, T>, state: Option<Self::State>, lengths: Option<&[usize]>, mode: Mode) -> Self::Output;
}

/// What a layer over a sequence makes.
pub trait SequenceOutput<'t, T: Scalar> {
    /// What is handed from step to step.
    type State;
    /// The outputs of all time steps, `[T, B, H]`, in the order of time.
    fn sequence(&self) -> Var<'t, T>;
    /// The output of the step made last, of each sequence, `[B, H]`.
    fn last(&self) -> Var<'t, T>;
    /// The state after the last step, of each sequence.
    fn state(&self) -> Self::State;
}

impl<'t, T: Scalar, S: State<'t, T>> SequenceOutput<'t, T> for RecurrentOutput<'t, T, S> {
    type State = S;

    fn sequence(&self) -> Var<'t, T> {
        RecurrentOutput::sequence(self)
    }

    fn last(&self) -> Var<'t, T> {
        RecurrentOutput::last(self)
    }

    fn state(&self) -> S {
        RecurrentOutput::state(self).clone()
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> SequenceLayer<'t, T> for Recurrent<C> {
    type State = C::State;

    #[track_caller]
    fn run(&self, xs: Var<'t, T>, state: Option<C::State>, lengths: Option<&[usize]>, mode: Mode) -> Self::Output {
        let run = self.unroll(xs).mode(mode);
        let run = if let Some(state) = state { run.state(state) } else { run };
        let run = if let Some(lengths) = lengths { run.lengths(lengths) } else { run };
        run.run()
    }
}
