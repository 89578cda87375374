//! How far gates are open.

use super::layer::name;
use crate::recurrent::notes::Run;
use unspool_autograd::{Scalar, Tape, Tensor, Var};

/// How far one gate is open at each time step, over all examples and units. NaN at a step that no sequence has.
///
/// A gate is whatever a step computes with [`sigmoid`](Var::sigmoid) or [`hardsigmoid`](Var::hardsigmoid). Where it
/// is almost closed or almost open, it is saturated: little gradient reaches what controls it.
///
/// ```
/// use unspool::inspect::GradientFlow;
/// use unspool::prelude::*;
/// let (model, xs) = (Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 1, 8)), Tensor::ones([20, 4, 1]));
/// let flow = GradientFlow::of(&model, |tape, net| net.forward(tape.constant(&xs)).last().square().mean());
/// let z = flow.layers[0].gate("z").unwrap();
/// assert!(z.mean.len() == 20 && z.mean.iter().all(|mean| (0.0..=1.0).contains(mean)));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GateFlow {
    /// Its name: that of [`Cell::gates`](crate::recurrent::Cell::gates), or a number.
    pub name: String,
    /// The mean.
    pub mean: Vec<f64>,
    /// The share of values below 0.05.
    pub closed: Vec<f64>,
    /// The share of values above 0.95.
    pub open: Vec<f64>,
}

/// The sums of a gate at one time step.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    total: f64,
    closed: f64,
    open: f64,
}

impl Sums {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.total += value;
        self.closed += f64::from(value < 0.05);
        self.open += f64::from(value > 0.95);
    }
}

pub(super) fn flows<T: Scalar>(tape: &Tape<T>, run: &Run) -> Vec<GateFlow> {
    let (time, _) = run.packing.size();
    let mut gates: Vec<Vec<Sums>> = Vec::new();
    for (s, step) in run.notes.steps.iter().enumerate() {
        let rows = run.packing.steps.rows(s).len();
        let values = tape.values(step.recorded.clone()).filter(|&var| is_gate(var, rows));
        for (i, gate) in values.enumerate() {
            if i == gates.len() {
                gates.push(vec![Sums::default(); time]);
            }
            let values: Tensor<f64> = gate.value().cast();
            for (row, (t, _)) in run.packing.places(s).enumerate() {
                values.select(0, row).to_vec().into_iter().for_each(|value| gates[i][t].add(value));
            }
        }
    }
    let flow = |(i, sums): (usize, &Vec<Sums>)| {
        let shares = |of: fn(&Sums) -> f64| sums.iter().map(|sums| of(sums) / sums.count).collect();
        GateFlow {
            name: name(run.notes.gates, "gate", i),
            mean: shares(|sums| sums.total),
            closed: shares(|sums| sums.closed),
            open: shares(|sums| sums.open),
        }
    };
    gates.iter().enumerate().map(flow).collect()
}

/// Whether a value is a gate of so many examples.
fn is_gate<T: Scalar>(var: Var<'_, T>, rows: usize) -> bool {
    let is_op = var.origin().is_some_and(|origin| matches!(origin.op, "sigmoid" | "hardsigmoid"));
    is_op && var.shape().rank() >= 2 && var.shape()[0] == rows
}
