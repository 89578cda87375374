//! The step of a [`RuleOptimizer`]: clipping, weight decay, and the rule for each parameter.

use super::group::{Group, matches};
use super::rule_optimizer::{Clip, ParameterState, RuleOptimizer};
use super::{Parameter, Rule, Step};
use crate::messages::listed;
use crate::optim::clip;
use crate::optim::fingerprint::fingerprint;
use crate::optim::norms;
use crate::optim::optimizer::Optimizer;
use crate::optim::state_dict::{StateDict, StateDictError};
use unspool_autograd::{Params, ParamsExt, Scalar, Tensor};

impl<R: Rule, T: Scalar> RuleOptimizer<R, T> {
    /// Finds the settings of each parameter, and allocates its states.
    ///
    /// # Panics
    /// If the parameters are not those of earlier steps, or a pattern matches none.
    #[track_caller]
    fn settle<M: Params<Tensor<T>>>(&mut self, model: &M) {
        if self.parameters.is_empty() {
            let known = &mut self.parameters;
            model.visit_parameters(&mut |path, leaf| {
                let (name, shape) = (path.to_string(), leaf.shape());
                let (frozen, lr_scale, weight_decay, l2, states) = (false, 1.0, 0.0, 0.0, Vec::new());
                known.push(ParameterState { name, shape, frozen, lr_scale, weight_decay, l2, states });
            });
        } else if let Some(misfit) = self.misfit(model) {
            fail!("optimizer: {misfit}; an optimizer belongs to one model");
        }
        if self.settled {
            return;
        }
        let groups = self.groups.iter().map(|(pattern, _)| ("group", pattern));
        for (what, pattern) in groups.chain(self.frozen.iter().map(|pattern| ("freeze", pattern))) {
            if !self.parameters.iter().any(|parameter| matches(pattern, &parameter.name)) {
                let names = listed(self.parameters.iter().map(|parameter| &parameter.name), ", ");
                fail!("{what}: no parameter matches {pattern:?}; the parameters are {names}");
            }
        }
        let states = self.rule.state_names().len();
        for parameter in &mut self.parameters {
            let own = self.groups.iter().filter(|(pattern, _)| matches(pattern, &parameter.name));
            let own = own.fold(Group::default(), |settings, (_, group)| settings.overridden_by(group));
            parameter.lr_scale = own.lr_scale.unwrap_or(1.0);
            parameter.weight_decay = own.weight_decay.unwrap_or(self.weight_decay);
            parameter.l2 = own.l2.unwrap_or(self.l2);
            parameter.frozen = self.frozen.iter().any(|pattern| matches(pattern, &parameter.name));
            let states = if parameter.frozen { 0 } else { states };
            parameter.states.resize_with(states, || Tensor::zeros(parameter.shape));
        }
        self.settled = true;
    }

    /// The first leaf whose shape is not that of its parameter, in words.
    fn misfit<M: Params<Tensor<T>>>(&self, leaves: &M) -> Option<String> {
        let (mut count, mut misfit) = (0, None);
        leaves.visit_parameters(&mut |path, leaf| {
            let known = self.parameters.get(count);
            if misfit.is_none() && !known.is_some_and(|known| known.shape == leaf.shape()) {
                let expected = known.map_or("nothing".into(), |known| format!("{} {}", known.name, known.shape));
                misfit = Some(format!("found {path} {}, expected {expected}", leaf.shape()));
            }
            count += 1;
        });
        let missing = self.parameters.get(count).map(|known| format!("{} is missing", known.name));
        misfit.or(missing)
    }
}

impl<R: Rule, T: Scalar, M: Params<Tensor<T>>> Optimizer<T, M> for RuleOptimizer<R, T> {
    /// One step.
    ///
    /// # Panics
    /// If the pattern of a group or of [`freeze`](RuleOptimizer::freeze) matches no parameter, or
    /// the model or the gradients are not of the shapes of the first step.
    #[track_caller]
    fn step(&mut self, model: &mut M, gradients: &M) {
        self.settle(model);
        if let Some(misfit) = self.misfit(gradients) {
            fail!("optimizer: in the gradients, {misfit}");
        }
        self.norm = match self.clip {
            Clip::Norm(_) => Some(norms::norm_of(gradients, |i| !self.parameters[i].frozen)),
            _ => None,
        };
        let (scale, largest) = match (self.clip, self.norm) {
            (Clip::Norm(longest), Some(norm)) => (clip::shrinkage(norm, longest), f64::INFINITY),
            (Clip::Value(largest), _) => (1.0, largest),
            _ => (1.0, f64::INFINITY),
        };
        let rate = RuleOptimizer::current_learning_rate(self);
        self.steps += 1;
        self.rule.begin_step(self.steps, &mut self.scalars);

        // Two models are walked in parallel through a list of handles, whose memory is kept from step to step.
        let handles = &mut self.gradients;
        handles.clear();
        gradients.visit_parameters(&mut |_, gradient| handles.push(gradient.clone()));
        let mut known = self.parameters.iter_mut().zip(&self.gradients);
        model.visit_parameters_mut(&mut |_, weight| {
            let (known, gradient) = known.next().expect("the shapes were checked");
            if known.frozen {
                return;
            }
            let step = Step { t: self.steps, learning_rate: rate * known.lr_scale, scalars: &self.scalars };
            let kept = 1.0 - step.learning_rate * known.weight_decay;
            let (l2, states) = (known.l2, &mut known.states[..]);
            self.rule.update(step, Parameter { weight, gradient, states, largest, scale, l2, kept });
        });
        self.gradients.clear();
        self.model = Some(fingerprint(model));
    }

    /// Continues if the model is as the last step left it; otherwise starts afresh.
    ///
    /// # Panics
    /// If the pattern of a group or of [`freeze`](RuleOptimizer::freeze) matches no parameter.
    #[track_caller]
    fn prepare(&mut self, model: &M) {
        if self.model.is_some_and(|left| left != fingerprint(model)) {
            self.reset();
        }
        self.settle(model);
    }

    fn observe(&mut self, metric: f64) {
        RuleOptimizer::observe(self, metric);
    }

    fn current_learning_rate(&self) -> Option<f64> {
        Some(RuleOptimizer::current_learning_rate(self))
    }

    fn state_dict(&self) -> StateDict<T> {
        RuleOptimizer::state_dict(self)
    }

    /// # Panics
    /// If the pattern of a group or of [`freeze`](RuleOptimizer::freeze) matches no parameter, or
    /// this optimizer already belongs to a model of other shapes: it has stepped that model or
    /// loaded a state for it. [`reset`](RuleOptimizer::reset) ends that.
    #[track_caller]
    fn load_state_dict(&mut self, model: &M, state: &StateDict<T>) -> Result<(), StateDictError> {
        let is_new = self.parameters.is_empty();
        self.settle(model);
        let loaded = self.load(state);
        match loaded {
            Ok(()) => self.model = Some(fingerprint(model)),
            // An optimizer that belonged to no model still belongs to none.
            Err(_) if is_new => {
                self.parameters.clear();
                self.settled = false;
            }
            Err(_) => {}
        }
        loaded
    }
}
