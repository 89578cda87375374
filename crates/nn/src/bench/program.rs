//! What is measured of a model.

use super::report::BenchRow;
use crate::context::Context;
use crate::layers::layer::Model;
use std::hint::black_box;
use std::time::Duration;
use unspool_autograd::CountingAllocator;
use unspool_autograd::{ParamsExt, Tape, Tensor, Var};

/// A model with its tape and its inputs.
pub(super) trait Program: Send {
    /// Forward, and the loss.
    fn objective(&mut self);

    /// The same with the gradients of all parameters.
    fn gradient(&mut self);

    /// The size of the last axis of the output.
    fn units(&self) -> usize;

    /// What does not depend on the machine.
    fn describe(&mut self, name: &str) -> BenchRow;
}

pub(super) struct Steps<M> {
    model: M,
    inputs: Tensor,
    tape: Tape,
}

impl<M: Model<f32>> Steps<M> {
    pub(super) fn new(model: M, shape: [usize; 3]) -> Self {
        // Values without pattern.
        let inputs = Tensor::from_fn(shape, |i| (i * 7919 % 1009) as f32 / 1009.0 - 0.5);
        Steps { model, inputs, tape: Tape::new() }
    }

    fn loss<'t>(&self, tape: &'t Tape, net: &M::With<Var<'t>>) -> Var<'t> {
        M::output(net, tape.constant(&self.inputs), Context::default()).square().mean()
    }

    fn gradient_on(&self, tape: &Tape) {
        let net = tape.bind(&self.model);
        black_box(self.loss(tape, &net).backward().of(&net));
    }
}

impl<M: Model<f32> + Send> Program for Steps<M> {
    fn objective(&mut self) {
        black_box(self.loss(&self.tape, &self.tape.bind_frozen(&self.model)).item());
        self.tape.reset();
    }

    fn gradient(&mut self) {
        self.gradient_on(&self.tape);
        self.tape.reset();
    }

    fn units(&self) -> usize {
        let tape = Tape::new();
        let output = M::output(&tape.bind_frozen(&self.model), tape.constant(&self.inputs), Context::default());
        output.shape().last().copied().unwrap_or(1)
    }

    fn describe(&mut self, name: &str) -> BenchRow {
        let profiled = Tape::new().profiled();
        self.gradient_on(&profiled);
        let profile = profiled.profile();
        let tape_bytes = {
            let net = self.tape.bind(&self.model);
            let since = self.tape.len();
            self.loss(&self.tape, &net);
            self.tape.bytes(since..self.tape.len())
        };
        self.tape.reset();
        (0..2).for_each(|_| self.gradient());
        let before = CountingAllocator::allocations();
        self.gradient();
        BenchRow {
            name: name.to_string(),
            parameters: self.model.parameter_count(),
            objective: Duration::ZERO,
            gradient: Duration::ZERO,
            flops: profile.total().flops(),
            tape_bytes,
            peak_bytes: profile.peak_bytes,
            allocations: (before > 0).then(|| CountingAllocator::allocations() - before),
        }
    }
}
