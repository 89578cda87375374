//! Layers over sequences, stacked.

use crate::context::Context;
use crate::layers::layer::Layer;
use crate::recurrent::sequence_layer::{SequenceLayer, SequenceOutput};
use unspool_autograd::{Params, Scalar, Var};

/// Layers of one kind over a sequence, each over the outputs of the one below, with dropout between
/// them: PyTorch's `num_layers` and `dropout`.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::Stack;
/// let rng = &mut rng(0);
/// let lstms = [Lstm::new(rng, 3, 5), Lstm::new(rng, 5, 5)].map(Recurrent::new);
/// let stack: Stack<Recurrent<Lstm<Tensor>>> = Stack::new(lstms).dropout(0.2);
/// let tape = Tape::new();
/// let output = tape.bind(&stack).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.last().shape()[..], [4, 5]);
/// let (h, c) = output.layers[0].state();
/// ```
#[derive(Params, Clone, Debug)]
pub struct Stack<L> {
    /// The layers, from the bottom (next to the input) to the top.
    pub layers: Vec<L>,
    /// The probability of dropping an element between two layers, in training.
    pub dropout: f64,
    /// Whether the output is the whole sequence of the top layer, `[T, B, H]`; otherwise its last
    /// step, `[B, H]`.
    pub return_sequences: bool,
}

impl<L> Stack<L> {
    /// A stack of these layers, without dropout, whose output is that of the last step.
    ///
    /// # Panics
    /// If `layers` is empty.
    #[track_caller]
    pub fn new(layers: impl IntoIterator<Item = L>) -> Self {
        let layers: Vec<L> = layers.into_iter().collect();
        ensure!(!layers.is_empty(), "Stack: no layers given");
        Stack { layers, dropout: 0.0, return_sequences: false }
    }

    /// The same stack with dropout between its layers.
    ///
    /// # Panics
    /// If `rate` is not at least 0 and less than 1.
    #[track_caller]
    pub fn dropout(self, rate: f64) -> Self {
        ensure!((0.0..1.0).contains(&rate), "dropout: the rate {rate} is not at least 0 and less than 1");
        Stack { dropout: rate, ..self }
    }

    /// The same stack with the outputs of all time steps as its output.
    pub fn return_sequences(self) -> Self {
        Stack { return_sequences: true, ..self }
    }
}

impl<'t, T: Scalar, L: SequenceLayer<'t, T>> Layer<'t, T> for Stack<L> {
    type Output = StackOutput<L::Output>;

    /// # Panics
    /// If `xs` is not a sequence `[T, B, F]` of at least one step.
    #[track_caller]
    fn apply(&self, xs: Var<'t, T>, cx: Context<'_>) -> Self::Output {
        self.run(xs, None, cx)
    }

    #[track_caller]
    fn apply_converted(&self, xs: Var<'t, T>, cx: Context<'_>) -> Var<'t, T> {
        self.run(xs, None, if self.return_sequences { cx } else { cx.without_sequence() }).into()
    }
}

impl<'t, T: Scalar, L: SequenceLayer<'t, T>> SequenceLayer<'t, T> for Stack<L> {
    /// The state of each layer, from the bottom to the top.
    type State = Vec<L::State>;

    #[track_caller]
    fn run(&self, mut xs: Var<'t, T>, state: Option<Self::State>, cx: Context<'_>) -> Self::Output {
        if let Some(states) = &state {
            let (given, layers) = (states.len(), self.layers.len());
            ensure!(given == layers, "Stack: {given} states for {layers} layers");
        }
        let mut states = state.into_iter().flatten();
        let mut layers: Vec<L::Output> = Vec::with_capacity(self.layers.len());
        for (i, layer) in self.layers.iter().enumerate() {
            if let Some(below) = layers.last() {
                xs = cx.fold_in(2 * i).dropout(below.sequence(), self.dropout);
            }
            // Each layer but the last is read as a sequence.
            let is_last = i + 1 == self.layers.len();
            let cx = if is_last { cx } else { cx.with_sequence() };
            layers.push(layer.run(xs, states.next(), cx.fold_in(2 * i + 1)));
        }
        StackOutput { layers, return_sequences: self.return_sequences }
    }
}

/// The output of a [`Stack`] over a sequence.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::recurrent::Stack;
/// let rng = &mut rng(0);
/// let stack = Stack::new([Gru::<Tensor>::new(rng, 3, 5), Gru::new(rng, 5, 5)].map(Recurrent::new));
/// let tape = Tape::new();
/// let output = tape.bind(&stack).forward(tape.constant(&Tensor::ones([7, 4, 3])));
/// assert_eq!(output.sequence().shape()[..], [7, 4, 5]);           // of the top layer
/// assert_eq!((output.layers.len(), output.state().len()), (2, 2));
/// ```
#[derive(Clone, Debug)]
pub struct StackOutput<O> {
    /// The output of each layer, from the bottom to the top.
    pub layers: Vec<O>,
    return_sequences: bool,
}

impl<O> StackOutput<O> {
    fn top(&self) -> &O {
        self.layers.last().expect("a stack has a layer")
    }
}

impl<'t, T: Scalar, O: SequenceOutput<'t, T>> SequenceOutput<'t, T> for StackOutput<O> {
    type State = Vec<O::State>;

    /// The outputs of the top layer at all time steps: `[T, B, H]`.
    #[track_caller]
    fn sequence(&self) -> Var<'t, T> {
        self.top().sequence()
    }

    /// The output of the top layer at the last step: `[B, H]`.
    #[track_caller]
    fn last(&self) -> Var<'t, T> {
        self.top().last()
    }

    /// The states of all layers after the last step, from the bottom to the top.
    fn state(&self) -> Vec<O::State> {
        self.layers.iter().map(SequenceOutput::state).collect()
    }
}

impl<'t, T: Scalar, O: SequenceOutput<'t, T>> From<StackOutput<O>> for Var<'t, T> {
    /// The sequence if the stack returns sequences, the last output otherwise.
    fn from(output: StackOutput<O>) -> Self {
        if output.return_sequences { output.sequence() } else { output.last() }
    }
}
