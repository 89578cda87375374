//! The recurrent layer over any cell, and its builder.

use crate::layers::sequential::Build;
use crate::random::Rng;
use crate::recurrent::checkpointing::Checkpointing;
use std::fmt;
use unspool_autograd::{Params, Tensor};

/// A recurrent layer over any [`Cell`](crate::recurrent::Cell): from `[T, B, F]` to the outputs of
/// all time steps.
///
/// ```
/// use unspool::prelude::*;
///
/// let layer: Recurrent<SimpleRnn<Tensor>> = Recurrent::new(SimpleRnn::new(&mut rng(0), 3, 20));
/// let tape = Tape::new();
/// let (net, xs) = (tape.bind(&layer), tape.constant(&Tensor::ones([50, 32, 3])));
/// let output = net.forward(xs);
/// assert_eq!(output.sequence().shape()[..], [50, 32, 20]);
/// assert_eq!(output.last().shape()[..], [32, 20]);
///
/// // Sequences of different lengths, padded to 50 steps.
/// let lengths: Vec<usize> = (1..=32).collect();
/// let output = net.apply(xs, Context::default().with_lengths(&lengths));
/// assert_eq!(output.last().shape()[..], [32, 20]); // of each sequence, after its own last step
/// ```
#[derive(Params, Clone, Debug)]
pub struct Recurrent<C> {
    /// The cell.
    pub cell: C,
    /// Whether the output of the layer, in a [`Sequential`](crate::layers::Sequential), is the
    /// whole sequence `[T, B, H]`; otherwise it is the last step, `[B, H]`.
    pub return_sequences: bool,
    /// Whether the layer runs backwards in time.
    pub reverse: bool,
    /// Which steps are made again in the backward pass instead of stored; none if `None`.
    pub checkpointing: Option<Checkpointing>,
}

impl<C> Recurrent<C> {
    /// A layer that runs forwards in time and whose output is that of the last step.
    pub fn new(cell: C) -> Self {
        Recurrent { cell, return_sequences: false, reverse: false, checkpointing: None }
    }

    /// The same layer with the outputs of all time steps as its output.
    pub fn return_sequences(self) -> Self {
        Recurrent { return_sequences: true, ..self }
    }

    /// The same layer running backwards in time: each sequence from its last step to its first.
    pub fn reverse(self) -> Self {
        Recurrent { reverse: true, ..self }
    }

    /// The same layer with gradient checkpointing: it drops most of what its steps compute, and the
    /// backward pass makes it again.
    ///
    /// The outputs of the steps stay, unless the context is
    /// [`without_sequence`](crate::Context::without_sequence), or the layer is one of a
    /// [`Sequential`](crate::layers::Sequential) and does not return sequences.
    pub fn checkpointing(self, checkpointing: Checkpointing) -> Self {
        Recurrent { checkpointing: Some(checkpointing), ..self }
    }
}

/// The builder of a [`Recurrent`] layer, for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::{dense, gru, sequential};
/// let model = sequential()
///     .add(gru(1, 20).return_sequences())
///     .add(gru(20, 20).reverse().return_sequences())
///     .add(gru(20, 20))
///     .add(dense(20, 1));
/// ```
pub struct RecurrentBuilder<F> {
    cell: F,
    return_sequences: bool,
    reverse: bool,
    checkpointing: Option<Checkpointing>,
}

impl<F> fmt::Debug for RecurrentBuilder<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecurrentBuilder")
            .field("return_sequences", &self.return_sequences)
            .field("reverse", &self.reverse)
            .field("checkpointing", &self.checkpointing)
            .finish_non_exhaustive()
    }
}

/// A [`Recurrent`] layer over any cell, for [`Sequential::add`](crate::layers::Sequential::add).
///
/// ```
/// use unspool::layers::Activation;
/// use unspool::{SimpleRnn, recurrent, sequential};
/// let relu_rnn = recurrent(|rng| SimpleRnn::new(rng, 1, 20).activation(Activation::Relu));
/// let model = sequential().add(relu_rnn.return_sequences());
/// ```
pub fn recurrent<C, F: FnOnce(&mut Rng) -> C>(cell: F) -> RecurrentBuilder<F> {
    RecurrentBuilder { cell, return_sequences: false, reverse: false, checkpointing: None }
}

impl<F> RecurrentBuilder<F> {
    /// Returns the outputs of all time steps, for another recurrent layer on top.
    pub fn return_sequences(self) -> Self {
        RecurrentBuilder { return_sequences: true, ..self }
    }

    /// Runs the layer backwards in time.
    pub fn reverse(self) -> Self {
        RecurrentBuilder { reverse: true, ..self }
    }

    /// Makes most steps again in the backward pass instead of storing them; see
    /// [`Recurrent::checkpointing`].
    pub fn checkpointing(self, checkpointing: Checkpointing) -> Self {
        RecurrentBuilder { checkpointing: Some(checkpointing), ..self }
    }
}

impl<C: Params<Tensor>, F: FnOnce(&mut Rng) -> C> Build for RecurrentBuilder<F> {
    type Layer = Recurrent<C>;

    fn build(self, rng: &mut Rng) -> Recurrent<C> {
        let RecurrentBuilder { cell, return_sequences, reverse, checkpointing } = self;
        Recurrent { cell: cell(rng), return_sequences, reverse, checkpointing }
    }
}
