//! One run of a recurrent layer.

use super::contributions::{self, ParameterFlow};
use super::gates::{self, GateFlow};
use super::states::{self, StateFlow};
use crate::recurrent::notes::Run;
use unspool_autograd::{Gradients, Scalar, Tape, Var};

/// How a gradient flows through the time steps of one recurrent layer.
///
/// ```
/// use unspool::inspect::GradientFlow;
/// use unspool::prelude::*;
/// let (model, xs) = (Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 1, 8)), Tensor::ones([20, 4, 1]));
/// let flow = GradientFlow::of(&model, |tape, net| net.forward(tape.constant(&xs)).last().square().mean());
/// let layer = &flow.layers[0];
/// assert_eq!((&layer.name[..], layer.states.len(), layer.gates.len()), ("cell", 1, 2));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LayerFlow {
    /// The path of its cell in the model, `layers.0.cell`, after the [scopes](Tape::scope) that were open;
    /// of a layer that ran several times, with the number of the run.
    pub name: String,
    /// Whether it ran backwards in time.
    pub reverse: bool,
    /// The variables of the state, in order: for an LSTM `h` and `c`. After them comes `output`, if that of a
    /// step is none of them.
    pub states: Vec<StateFlow>,
    /// The gates, in the order in which a step computes them.
    pub gates: Vec<GateFlow>,
    /// The parameters that its steps use.
    pub parameters: Vec<ParameterFlow>,
}

impl LayerFlow {
    pub(super) fn of<T: Scalar>(tape: &Tape<T>, gradients: &Gradients<'_, T>, run: &Run, keeps_terms: bool) -> Self {
        let name = if run.notes.cell.is_empty() { "recurrent".to_string() } else { run.notes.cell.clone() };
        LayerFlow {
            name,
            reverse: run.packing.is_reverse(),
            states: states::flows(tape, gradients, run),
            gates: gates::flows(tape, run),
            parameters: contributions::flows(tape, gradients, run, keeps_terms),
        }
    }

    /// The variable of the state of this name.
    pub fn state(&self, name: &str) -> Option<&StateFlow> {
        self.states.iter().find(|state| state.name == name)
    }

    /// The gate of this name.
    pub fn gate(&self, name: &str) -> Option<&GateFlow> {
        self.gates.iter().find(|gate| gate.name == name)
    }

    /// The parameter of this name, its path in the model: `layers.0.cell.u`.
    pub fn parameter(&self, name: &str) -> Option<&ParameterFlow> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// The variable at a position.
pub(super) fn var<T: Scalar>(tape: &Tape<T>, position: usize) -> Var<'_, T> {
    tape.values(position..position + 1).next().expect("a value that a run noted")
}

/// The name of the `i`-th of several things: one that is given, or a number.
pub(super) fn name(given: &[&str], kind: &str, i: usize) -> String {
    given.get(i).map_or_else(|| format!("{kind} {}", i + 1), |name| name.to_string())
}
