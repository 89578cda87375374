//! The state of a [`RuleOptimizer`], saved and loaded.

use super::Rule;
use super::rule_optimizer::RuleOptimizer;
use crate::optim::state_dict::{StateDict, StateDictError};
use unspool_autograd::{Scalar, Tensor};

impl<R: Rule, T: Scalar> RuleOptimizer<R, T> {
    /// Everything that later steps depend on, other than settings: the number of steps (`step`),
    /// the states of the rule (`m.layers.0.weight`), and the state of the plateau (`plateau.best`).
    /// [`load_state_dict`](crate::optim::Optimizer::load_state_dict) takes it.
    pub fn state_dict(&self) -> StateDict<T> {
        let mut state = StateDict::new();
        state.numbers.insert("step".into(), self.steps as f64);
        for (&(name, _), &number) in self.rule.scalars().iter().zip(&self.scalars) {
            state.numbers.insert(name.into(), number);
        }
        if let Some(plateau) = &self.plateau {
            state.nest("plateau", plateau.state_dict());
        }
        // Before the first step all states are zero, whether they are allocated or not.
        for parameter in self.parameters.iter().filter(|_| self.steps > 0) {
            for (kind, tensor) in self.rule.state_names().iter().zip(&parameter.states) {
                state.tensors.insert(format!("{kind}.{}", parameter.name), tensor.clone());
            }
        }
        state
    }

    /// Loads the state of an optimizer whose parameters are settled; on an error nothing changes.
    pub(super) fn load(&mut self, state: &StateDict<T>) -> Result<(), StateDictError> {
        let mut reader = state.reader();
        let steps = reader.count("step");
        let scalars: Vec<_> = self.rule.scalars().iter().map(|&(name, _)| reader.number(name)).collect();
        let mut plateau = self.plateau.clone();
        if let Some(plateau) = &mut plateau {
            plateau.read("plateau", &mut reader);
        }
        let mut states = Vec::new();
        for parameter in self.parameters.iter().filter(|parameter| !parameter.frozen) {
            for kind in self.rule.state_names() {
                states.push(match steps {
                    Some(0) => Some(Tensor::zeros(parameter.shape)),
                    _ => reader.tensor(&format!("{kind}.{}", parameter.name), parameter.shape),
                });
            }
        }
        reader.finish()?;

        // Nothing changes before here.
        self.steps = steps.unwrap_or_default();
        self.scalars = scalars.into_iter().flatten().collect();
        self.plateau = plateau;
        let current = self.parameters.iter_mut().flat_map(|parameter| &mut parameter.states);
        for (current, saved) in current.zip(states.into_iter().flatten()) {
            *current = saved;
        }
        Ok(())
    }
}
