//! Derivatives of ops as values on the tape.
//!
//! Where a tape's derivatives are differentiated, they are recorded, as ops that run those that they are
//! derivatives of: the [pullback](pullback) of gradients from an op's value to its inputs, and the
//! [pushforward](pushforward) of tangents from its inputs to its value. No op says how these are
//! differentiated, since its other numbers do. With `J` the Jacobian of `y = f(x)`:
//!
//! - the pushforward of `v` is `J v`: the tangent of `f(x + v e)`;
//! - the pullback of `g` is `Jᵀ g`, by the op's gradient rule;
//! - `c · J v` changes with `v` by `Jᵀ c`, and with `x` by the derivative of `J(x)ᵀ c` in the direction `v`,
//!   since second derivatives are symmetric: value and tangent of the gradient rule at `x + v e`;
//! - `c · Jᵀ g` is the same with the roles exchanged: it changes with `g` by `J c`, and with `x` by the
//!   derivative of `J(x)ᵀ g` in the direction `c`.
//!
//! So all derivatives of all orders are the op's own two methods, over duals of duals (Griewank and Walther
//! 2008, "Evaluating Derivatives", section 5.2; Pearlmutter 1994).

mod api;
mod pullback;
mod pushforward;

use crate::tape::accumulator::Accumulator;
use crate::tape::node::Node;
use crate::tape::op::{InputGrads, Inputs};
use crate::tape::op_arena::OpList;
use crate::tape::packed_weights::PackedWeights;
use std::sync::Arc;
use unspool_tensor::{Scalar, Tensor};

/// A derivative of ops of a tape, made of the ops themselves.
pub(in crate::tape) trait Derivative<T: Scalar>: Clone + Send + Sync + 'static {
    const NAME: &'static str;
    /// The same over lifted numbers.
    type Lifted: Derivative<T::Lifted>;
    fn lifted(&self) -> Self::Lifted;
    fn forward(&self, x: Inputs<'_, T>) -> Tensor<T>;
    fn backward(&self, x: Inputs<'_, T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>);
}

/// A list of derivatives of one kind.
pub(in crate::tape) struct Derivatives<D>(pub(in crate::tape) Vec<D>);

impl<T: Scalar, D: Derivative<T>> OpList<T> for Derivatives<D> {
    fn name(&self, _index: u32) -> &'static str {
        D::NAME
    }
    fn forward(&self, index: u32, x: Inputs<'_, T>) -> Tensor<T> {
        self.0[index as usize].forward(x)
    }
    /// # Panics
    /// If the numbers have no further level.
    fn backward(&self, index: u32, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        ensure!(
            T::NESTS,
            "{}: derivatives of this order need numbers with one more Nested<..> around those of the tape",
            D::NAME
        );
        self.0[index as usize].backward(x, grad, into);
    }
    fn gradient_flops(&self, _index: u32, _x: Inputs<'_, T>, _y: &Tensor<T>, _i: usize) -> f64 {
        0.0
    }
    fn clear(&mut self) {
        self.0.clear();
    }
    fn only(&self, index: u32) -> Arc<dyn OpList<T>> {
        Arc::new(Derivatives(vec![self.0[index as usize].clone()]))
    }
    fn lifted(self: Arc<Self>) -> Arc<dyn OpList<T::Lifted>> {
        Arc::new(Derivatives(self.0.iter().map(D::lifted).collect()))
    }
}

/// The inputs of a derivative, on which the ops that it is made of run as on a tape.
pub(in crate::tape) struct Values<T: Scalar> {
    pub(in crate::tape) values: Vec<Tensor<T>>,
    packed: PackedWeights<T>,
}

impl<T: Scalar> Values<T> {
    pub(in crate::tape) fn new(values: Vec<Tensor<T>>) -> Self {
        Values { values, packed: PackedWeights::new() }
    }

    fn inputs<'a>(&'a self, ids: &'a [u32]) -> Inputs<'a, T> {
        Inputs { values: &self.values, ids, packed: &self.packed }
    }

    /// The value of an op of these values.
    pub(in crate::tape) fn forward(&self, op: &dyn OpList<T>, ids: &[u32]) -> Tensor<T> {
        op.forward(0, self.inputs(ids))
    }

    /// The gradients with respect to the values that need one. Each op comes with its inputs, its value, and
    /// the gradient with respect to that.
    pub(in crate::tape) fn gradients<'a>(
        &self,
        needs: impl Fn(usize) -> bool,
        ops: impl Iterator<Item = (&'a dyn OpList<T>, &'a [u32], &'a Tensor<T>, Tensor<T>)>,
    ) -> Accumulator<T> {
        let mut gradients = Accumulator::default();
        gradients.reserve(self.values.len() as u32);
        let nodes: Vec<Node> = (0..self.values.len()).map(|i| Node::leaf(0, needs(i))).collect();
        for (op, ids, value, grad) in ops {
            let inputs = self.inputs(ids);
            // Gradients that are differentiated again are exact.
            let into = &mut InputGrads { gradients: &mut gradients, nodes: &nodes, inputs, least: T::ZERO };
            op.backward(0, inputs, value, grad, into);
        }
        gradients.settle_all();
        gradients
    }
}
