//! The models of the workloads, with their losses.

use crate::shards::Training;
use crate::values;
use crate::workload::{Loss, On, Sequence};
use std::marker::PhantomData;
use std::ops::Range;
use unspool::prelude::*;
use unspool::recurrent::Stack;
use unspool::tensor::Indices;
use unspool::{CrossEntropy, Embedding};

/// Recurrent layers, with vectors for tokens below and a dense layer on top where the workload has them.
#[derive(Params)]
pub struct SequenceModel<C, P> {
    embedding: Option<Embedding<P>>,
    layers: Stack<Recurrent<C>>,
    head: Option<Dense<P>>,
}

impl<C: Params<Tensor>> SequenceModel<C, Tensor> {
    /// The model with fresh weights; `cell` makes a cell from its number of inputs and of units.
    pub fn new(spec: &Sequence, cell: impl Fn(&mut Rng, usize, usize) -> C) -> Self {
        let rng = &mut rng(1);
        let embedding = spec.vocab.map(|tokens| Embedding::new(rng, tokens, spec.inputs));
        let (mut layers, mut below) = (Vec::new(), spec.inputs);
        for hidden in spec.widths() {
            layers.push(Recurrent::new(cell(rng, below, hidden)));
            below = hidden;
        }
        let layers = Stack { return_sequences: spec.on == On::All, ..Stack::new(layers) };
        let head = (spec.dense > 0).then(|| Dense::new(rng, below, spec.dense));
        SequenceModel { embedding, layers, head }
    }
}

/// What a model reads.
#[derive(Clone)]
pub enum Input {
    /// Numbers, `[.., B, F]`.
    Values(Tensor),
    /// Tokens, `[T, B]`.
    Tokens(Indices),
}

/// What a model is to say.
#[derive(Clone)]
pub enum Target {
    /// The loss is the mean of the squares of the output.
    Nothing,
    /// Numbers, `[B, O]`.
    Values(Tensor),
    /// Classes, `[.., B]`.
    Classes(Indices),
}

/// Inputs and targets.
#[derive(Clone)]
pub struct Batch {
    /// What the model reads.
    pub input: Input,
    /// What it is to say.
    pub target: Target,
}

impl Batch {
    /// The data of a workload: the same at every call.
    pub fn sequences(spec: &Sequence) -> Batch {
        let (time, batch) = (spec.time, spec.batch);
        let input = match spec.vocab {
            Some(tokens) => Input::Tokens(classes(tokens, &[time, batch])),
            None => Input::Values(values([time, batch, spec.inputs])),
        };
        let target = match spec.loss {
            Loss::MeanSq => Target::Nothing,
            Loss::Mse => Target::Values(values([batch, spec.dense])),
            Loss::Xent => Target::Classes(classes(spec.dense, &[time, batch])),
        };
        Batch { input, target }
    }

    /// Vectors and their classes.
    pub fn vectors(sizes: &[usize], batch: usize) -> Batch {
        let outputs = sizes[sizes.len() - 1];
        Batch { input: Input::Values(values([batch, sizes[0]])), target: Target::Classes(classes(outputs, &[batch])) }
    }

    fn examples(&self) -> usize {
        match &self.input {
            Input::Values(x) => x.shape()[x.rank() - 2],
            Input::Tokens(tokens) => tokens.shape()[1],
        }
    }

    fn part(&self, range: Range<usize>) -> Batch {
        let input = match &self.input {
            Input::Values(x) => Input::Values(x.slice(x.rank() - 2, range.clone())),
            Input::Tokens(tokens) => Input::Tokens(columns(tokens, &range)),
        };
        let target = match &self.target {
            Target::Nothing => Target::Nothing,
            Target::Values(y) => Target::Values(y.slice(y.rank() - 2, range)),
            Target::Classes(classes) => Target::Classes(columns(classes, &range)),
        };
        Batch { input, target }
    }
}

/// Classes without pattern, the same every time.
fn classes(count: usize, shape: &[usize]) -> Indices {
    let elements = shape.iter().product();
    Indices::from_vec((0..elements).map(|i: usize| i * 7919 % 1009 % count).collect(), shape)
}

/// The given columns of `[.., B]`.
fn columns(indices: &Indices, range: &Range<usize>) -> Indices {
    let shape = indices.shape();
    let last = shape.rank() - 1;
    let rows = indices.as_slice().chunks(shape[last]);
    let kept: Vec<usize> = rows.flat_map(|row| &row[range.clone()]).copied().collect();
    Indices::from_vec(kept, shape.with(last, range.len()))
}

fn loss<'t>(output: Var<'t>, target: &Target) -> Var<'t> {
    match target {
        Target::Nothing => output.square().mean(),
        Target::Values(y) => mse(output, output.tape().constant(y)),
        Target::Classes(classes) => CrossEntropy::default().classes(output, classes),
    }
}

/// The training of a [`SequenceModel`].
pub struct SequenceTraining<C>(PhantomData<C>);

impl<C> Training for SequenceTraining<C>
where
    C: Params<Tensor> + Send + Sync,
    for<'t> C::With<Var<'t>>: Cell<'t, f32>,
{
    type Model = SequenceModel<C, Tensor>;
    type Batch = Batch;

    fn examples(batch: &Batch) -> usize {
        batch.examples()
    }

    fn part(batch: &Batch, examples: Range<usize>) -> Batch {
        batch.part(examples)
    }

    fn loss<'t>(net: &SequenceModel<C::With<Var<'t>>, Var<'t>>, tape: &'t Tape, batch: &Batch) -> Var<'t> {
        let xs = match (&batch.input, &net.embedding) {
            (Input::Tokens(tokens), Some(embedding)) => embedding.forward(tokens),
            (Input::Values(xs), None) => tape.constant(xs),
            _ => unreachable!("tokens and an embedding come together"),
        };
        let output: Var<'t> = net.layers.forward(xs).into();
        loss(net.head.as_ref().map_or(output, |head| head.forward(output)), &batch.target)
    }
}

/// Dense layers with relu between them.
#[derive(Params)]
pub struct Mlp<P> {
    layers: Vec<Dense<P>>,
}

impl Mlp<Tensor> {
    /// The network with fresh weights, of these widths.
    pub fn new(sizes: &[usize]) -> Self {
        let rng = &mut rng(1);
        Mlp { layers: sizes.windows(2).map(|pair| Dense::new(rng, pair[0], pair[1])).collect() }
    }
}

/// The training of an [`Mlp`].
pub struct MlpTraining;

impl Training for MlpTraining {
    type Model = Mlp<Tensor>;
    type Batch = Batch;

    fn examples(batch: &Batch) -> usize {
        batch.examples()
    }

    fn part(batch: &Batch, examples: Range<usize>) -> Batch {
        batch.part(examples)
    }

    fn loss<'t>(net: &Mlp<Var<'t>>, tape: &'t Tape, batch: &Batch) -> Var<'t> {
        let Input::Values(x) = &batch.input else { unreachable!("vectors are values") };
        let mut x = tape.constant(x);
        for (i, layer) in net.layers.iter().enumerate() {
            x = layer.forward(if i > 0 { x.relu() } else { x });
        }
        loss(x, &batch.target)
    }
}
