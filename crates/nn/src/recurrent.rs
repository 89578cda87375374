//! A cell, unrolled over time.

use crate::cell::Cell;
use crate::layer::Layer;
use crate::random::Rng;
use crate::sequential::Build;
use unspool_autograd::{Params, Scalar, Tensor, Var};

/// A recurrent layer over any [`Cell`]: `[T, B, F]` to the outputs of all steps.
///
/// ```
/// use unspool_nn::{rng, Layer, Recurrent, SimpleRnn};
/// use unspool_autograd::{Tape, Tensor};
///
/// let layer: Recurrent<SimpleRnn<Tensor>> = Recurrent::new(SimpleRnn::new(&mut rng(0), 3, 20));
/// let tape = Tape::new();
/// let run = tape.bind(&layer).forward(tape.constant(&Tensor::ones([50, 32, 3])));
/// assert_eq!(run.sequence().shape()[..], [50, 32, 20]);
/// assert_eq!(run.last().shape()[..], [32, 20]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct Recurrent<C> {
    /// The cell that makes the steps.
    pub cell: C,
    /// Whether the layer's output, in a [`Sequential`](crate::Sequential), is the whole sequence `[T, B, H]`;
    /// otherwise it is the last step, `[B, H]`.
    pub return_sequences: bool,
}

/// What a recurrent layer computed over a sequence.
#[derive(Clone, Debug)]
pub struct Unrolled<'t, T: Scalar, S> {
    outputs: Vec<Var<'t, T>>,
    state: S,
    return_sequences: bool,
}

impl<C> Recurrent<C> {
    /// A layer whose output is that of the last step.
    pub fn new(cell: C) -> Self {
        Recurrent { cell, return_sequences: false }
    }

    /// The same layer with the outputs of all steps as its output.
    pub fn return_sequences(self) -> Self {
        Recurrent { return_sequences: true, ..self }
    }

    /// Like [`forward`](Layer::forward), from a given state instead of zero.
    ///
    /// # Panics
    /// If `xs` is not a sequence `[T, B, F]` of at least one step.
    #[track_caller]
    pub fn forward_from<'t, T: Scalar>(&self, xs: Var<'t, T>, mut state: C::State) -> Unrolled<'t, T, C::State>
    where
        C: Cell<'t, T>,
    {
        sequence_shape(xs);
        let xs = self.cell.project(xs);
        let mut outputs = Vec::with_capacity(xs.shape()[0]);
        for x in xs.unbind() {
            let output;
            (output, state) = self.cell.step(x, state);
            outputs.push(output);
        }
        Unrolled { outputs, state, return_sequences: self.return_sequences }
    }
}

/// The three sizes of a sequence.
#[track_caller]
fn sequence_shape<T: Scalar>(xs: Var<'_, T>) -> [usize; 3] {
    let shape = xs.shape();
    match shape[..] {
        [time, batch, features] if time > 0 => [time, batch, features],
        _ => panic!("Recurrent: the input must be [T, B, F] with at least one time step, not {shape}"),
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> Layer<'t, T> for Recurrent<C> {
    type Output = Unrolled<'t, T, C::State>;

    /// # Panics
    /// If `xs` is not a sequence `[T, B, F]` of at least one step.
    #[track_caller]
    fn forward(&self, xs: Var<'t, T>) -> Self::Output {
        let [_, batch, _] = sequence_shape(xs);
        self.forward_from(xs, self.cell.zero_state(batch))
    }
}

impl<'t, T: Scalar, S> Unrolled<'t, T, S> {
    /// The output of the last step: `[B, H]`.
    pub fn last(&self) -> Var<'t, T> {
        *self.outputs.last().expect("a sequence has at least one step")
    }

    /// The outputs of all steps: `[T, B, H]`.
    pub fn sequence(&self) -> Var<'t, T> {
        Var::stack(&self.outputs)
    }

    /// The outputs step by step, each `[B, H]`: for a cost over only some of them.
    pub fn steps(&self) -> &[Var<'t, T>] {
        &self.outputs
    }

    /// The state after the last step.
    pub fn state(&self) -> &S {
        &self.state
    }
}

impl<'t, T: Scalar, S> From<Unrolled<'t, T, S>> for Var<'t, T> {
    /// The sequence if the layer returns sequences, the last output otherwise.
    fn from(run: Unrolled<'t, T, S>) -> Self {
        if run.return_sequences { run.sequence() } else { run.last() }
    }
}

/// A recurrent layer to be, for [`Sequential::add`](crate::Sequential::add).
pub struct RecurrentBuilder<F> {
    cell: F,
    return_sequences: bool,
}

/// A [`Recurrent`] layer over any cell, for [`Sequential::add`](crate::Sequential::add).
///
/// ```
/// use unspool_nn::{recurrent, sequential, Activation, SimpleRnn};
/// let model = sequential()
///     .add(recurrent(|rng| SimpleRnn::new(rng, 1, 20).activation(Activation::Relu)).return_sequences());
/// ```
pub fn recurrent<C, F: FnOnce(&mut Rng) -> C>(cell: F) -> RecurrentBuilder<F> {
    RecurrentBuilder { cell, return_sequences: false }
}

impl<F> RecurrentBuilder<F> {
    /// Makes the outputs of all steps the layer's output, for a further recurrent layer on top.
    pub fn return_sequences(self) -> Self {
        RecurrentBuilder { return_sequences: true, ..self }
    }
}

impl<C: Params<Tensor>, F: FnOnce(&mut Rng) -> C> Build for RecurrentBuilder<F> {
    type Layer = Recurrent<C>;

    fn build(self, rng: &mut Rng) -> Recurrent<C> {
        Recurrent { cell: (self.cell)(rng), return_sequences: self.return_sequences }
    }
}
