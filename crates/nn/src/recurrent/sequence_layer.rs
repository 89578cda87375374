//! What all layers over sequences have in common.

use crate::context::Context;
use crate::layers::layer::Layer;
use crate::recurrent::state::State;
use unspool_autograd::{Scalar, Var};

/// A layer over a sequence `[T, B, F]` whose sequences may have different lengths:
/// [`Recurrent`](crate::recurrent::Recurrent), [`Bidirectional`](crate::recurrent::Bidirectional),
/// [`Stack`](crate::recurrent::Stack), or a custom one.
///
/// A stack of layers over one long sequence, window by window:
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::Stack;
/// let rng = &mut rng(0);
/// let lstms = [Lstm::<Tensor>::new(rng, 3, 5), Lstm::new(rng, 5, 5)];
/// let stack = Stack::new(lstms.map(Recurrent::new));
/// let mut tape = Tape::new();
/// let mut carried = None;
/// for window in 0..3 {
///     let net = tape.bind(&stack);
///     let xs = tape.constant(&Tensor::full(window as f32, [20, 4, 3]));
///     let state = carried.as_ref().map(|carried| State::attach(&tape, carried));
///     let output = net.run(xs, state, Context::training(window));
///     let gradients = output.sequence().square().mean().backward().of(&net);
///     carried = Some(output.state().detached()); // (h, c) of each layer
///     tape.reset();
/// }
/// # assert_eq!(carried.unwrap()[1].0.shape()[..], [4, 5]);
/// ```
pub trait SequenceLayer<'t, T: Scalar, X = Var<'t, T>>:
    Layer<'t, T, X, Output: SequenceOutput<'t, T, State = Self::State>>
{
    /// What is passed from step to step: the state of the cell or, for a layer made of several, the
    /// state of each.
    type State: State<'t, T>;

    /// Runs the layer over `xs`, from a state, or from zero. What follows the last step of a
    /// sequence is padding: it costs nothing, its outputs are zeros, and it contributes to no
    /// gradient. At a step that is masked, the state stays as it is and the output before it
    /// repeats (zeros before the first), as in Keras; it costs nothing, and its input is not read:
    ///
    /// ```
    /// use unspool::prelude::*;
    /// let layer = Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 1, 4));
    /// let tape = Tape::new();
    /// let xs = tape.constant(&Tensor::from_vec(vec![0.5, f32::NAN, 0.7], [3, 1, 1]));
    /// let mask = Tensor::<f32>::from_vec(vec![1.0, 0.0, 1.0], [3, 1]);
    /// let output = tape.bind(&layer).run(xs, None, Context::default().with_mask(&mask));
    /// assert_eq!(output.steps()[1].value(), output.steps()[0].value());
    /// ```
    ///
    /// # Panics
    /// If `xs` is not a sequence `[T, B, F]` of at least one step, or the state, the lengths or the
    /// mask do not fit it.
    fn run(&self, xs: X, state: Option<Self::State>, cx: Context<'_>) -> Self::Output;
}

/// The output of a layer over a sequence.
///
/// ```
/// use unspool::prelude::*;
/// let layer = Recurrent::new(Lstm::<Tensor>::new(&mut rng(0), 3, 5));
/// let tape = Tape::new();
/// let output = tape.bind(&layer).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!((&output.sequence().shape()[..], &output.last().shape()[..]), (&[7, 4, 5][..], &[4, 5][..]));
/// let (h, c) = output.state();
/// ```
pub trait SequenceOutput<'t, T: Scalar> {
    /// What is passed from step to step.
    type State;
    /// The outputs of all time steps, `[T, B, H]`, in the order of time.
    fn sequence(&self) -> Var<'t, T>;
    /// The output of the last step of each sequence, `[B, H]`.
    fn last(&self) -> Var<'t, T>;
    /// The state after the last step of each sequence.
    fn state(&self) -> Self::State;
}
