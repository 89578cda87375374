//! The trait of online learners.

use crate::recurrent::cell::Cell;
use crate::recurrent::detached::DetachedState;
use crate::recurrent::state::State;
use unspool_autograd::{Params, Real, Scalar, Tape, Tensor, Var};

/// Learning without unrolling: takes one step at a time, and returns the gradient of that step's
/// loss through all steps so far, or an estimate of it. Memory does not grow with the number of
/// steps.
///
/// A learner holds the state between steps, and some form of the influence that the parameters had
/// on it through the steps so far. The model is any [`Params`]; a closure defines what a step of it is.
///
/// Code that is generic in the learner sees its [`Scalar`](OnlineLearner::Scalar) as the element
/// type of the variables:
///
/// ```
/// use unspool::online::{OnlineLearner, Rtrl, SnAp1, Uoro};
/// use unspool::prelude::*;
///
/// #[derive(Params)]
/// struct Forecaster<P> { layer: Recurrent<Gru<P>>, head: Dense<P> }
///
/// /// The mean squared error over the last of 120 steps, each learned as it comes.
/// fn learn<L: OnlineLearner<Number = f32, State = Tensor>>(mut learner: L) -> f64 {
///     let rng = &mut rng(0);
///     let mut model = Forecaster { layer: Recurrent::new(Gru::new(rng, 1, 6)), head: Dense::new(rng, 6, 1) };
///     let mut adam = Adam::default().learning_rate(0.02);
///     let wave = |t: usize| Tensor::full((t as f32 / 4.0).sin(), [1, 1, 1]); // [T, B, F] of one step
///     let mut last = 0.0;
///     for t in 0..120 {
///         let (loss, gradients) = learner.step(&model, [&wave(t), &wave(t + 1)], |net, [x, y], h| {
///             let output = net.layer.run(x, Some(h), Context::default());
///             (mse(net.head.forward(output.sequence()), y), output.state())
///         });
///         adam.step(&mut model, &gradients);
///         last += if t >= 80 { loss / 40.0 } else { 0.0 };
///     }
///     last
/// }
///
/// let start = || Tensor::zeros([1, 6]);
/// for error in [learn(Rtrl::new(start())), learn(SnAp1::new(start())), learn(Uoro::new(start(), 0))] {
///     assert!(error < 0.1, "{error}"); // always 0: 0.5
/// }
/// ```
pub trait OnlineLearner {
    /// The element type of the model: `f32` or `f64`.
    type Number: Real;
    /// The element type of the variables in a step: `Number`, or
    /// [`Dual`](unspool_autograd::Dual) numbers over it.
    type Scalar: Scalar;
    /// The state between steps: a tensor, a tuple or `Vec` of them, or a struct that derives
    /// [`State`].
    type State: DetachedState<Number = Self::Number>;

    /// One step: its loss, and the gradient of the loss with respect to the parameters of `model`,
    /// through this step and those before it.
    ///
    /// `step` gets the model bound to the tape of the learner, the inputs as constants of it, and the
    /// state before the step; it returns the loss, of one element, and the state after the step, of
    /// the same shapes. A step without a target returns a constant as its loss. Tokens and whatever
    /// else is no tensor of numbers, it captures; a forecast leaves it as a tensor, in a variable that
    /// it captures. The state before the first step is a constant, whatever it was computed from.
    ///
    /// Parameters of `model` are trained unless they are [buffers](Params#buffers) or frozen by their
    /// name. One that the closure uses in several places, in the cell and in the head, has one
    /// gradient.
    ///
    /// # Panics
    /// If the loss does not have one element, the shapes of the state change, or those of the
    /// parameters do since the last [`reset`](OnlineLearner::reset).
    #[allow(clippy::type_complexity)] // named, it would be no shorter
    fn step<M: Params<Tensor<Self::Number>>, const I: usize>(
        &mut self,
        model: &M,
        inputs: [&Tensor<Self::Number>; I],
        step: impl for<'t> FnOnce(
            &M::With<Var<'t, Self::Scalar>>,
            [Var<'t, Self::Scalar>; I],
            <Self::State as DetachedState>::Attached<'t, Self::Scalar>,
        )
            -> (Var<'t, Self::Scalar>, <Self::State as DetachedState>::Attached<'t, Self::Scalar>),
    ) -> (f64, M);

    /// Starts a new sequence, from the state before the first step and without influence.
    fn reset(&mut self);

    /// The state after the last step.
    fn state(&self) -> &Self::State;

    /// How many numbers the influence holds: what the learner needs beside the model and the state.
    fn influence_size(&self) -> usize;
}

/// The zero state of a cell for a batch of `batch` sequences, as a learner starts from it.
///
/// ```
/// use unspool::online::{Rtrl, zero_state};
/// use unspool::{Lstm, Tensor, rng};
/// let cell: Lstm<Tensor> = Lstm::new(&mut rng(0), 3, 5);
/// let (h, c) = zero_state(&cell, 1);
/// assert_eq!((&h.shape()[..], &c.shape()[..]), (&[1, 5][..], &[1, 5][..]));
/// let learner = Rtrl::new((h, c));
/// ```
#[track_caller]
pub fn zero_state<T, C, D>(cell: &C, batch: usize) -> D
where
    T: Scalar,
    C: Params<Tensor<T>>,
    for<'t> C::With<Var<'t, T>>: Cell<'t, T, State: State<'t, T, Detached = D>>,
{
    let tape = Tape::new();
    tape.bind_frozen(cell).zero_state(batch).detached()
}
