//! What all optimisers have in common.

use super::group::{Group, matches};
use super::{Parameter, Rule, Step, check_amount};
use crate::messages::listed;
use crate::optim::clip;
use crate::optim::fingerprint::fingerprint;
use crate::optim::optimizer::Optimizer;
use crate::optim::schedules::{Constant, Plateau, Schedule};
use crate::optim::state_dict::{StateDict, StateDictError};
use std::fmt;
use std::sync::Arc;
use unspool_autograd::{Params, Path, Scalar, Shape, Tensor};

/// An optimiser: a [`Rule`] for each parameter, and around it learning rate and schedule, weight decay, groups of
/// parameters, clipping, and what is remembered from step to step.
///
/// In a step, for each parameter: the gradient is clipped, the L2 penalty added to it, the weight decays, and the rule
/// changes it: one pass over the memory, and nothing is allocated after the first step.
///
/// ```
/// use unspool_autograd::Tensor;
/// use unspool_nn::optim::schedules::Cosine;
/// use unspool_nn::rng;
/// use unspool_nn::cells::Gru;
/// use unspool_nn::optim::{AdamW, Optimizer};
/// use unspool_nn::recurrent::Recurrent;
///
/// let mut model = Recurrent::new(Gru::<Tensor>::new(&mut rng(0), 3, 8));
/// let gradients = model.clone();
/// let mut adamw = AdamW::default()
///     .learning_rate(3e-3)
///     .schedule(Cosine::new(1000).warmup(100))
///     .weight_decay(0.1)
///     .group("*bias", |g| g.weight_decay(0.0))
///     .clip_norm(1.0);
/// adamw.step(&mut model, &gradients);
/// println!("rate {}, gradient {}", adamw.current_learning_rate(), adamw.gradient_norm().unwrap());
/// ```
#[derive(Clone)]
pub struct RuleOptimizer<R, T: Scalar = f32> {
    pub(super) rule: R,
    learning_rate: f64,
    schedule: Arc<dyn Schedule>,
    weight_decay: f64,
    l2: f64,
    /// Patterns of names, in the order in which they were told.
    groups: Vec<(String, Group)>,
    clip: Clip,
    /// Steps done.
    steps: usize,
    /// Those of the rule.
    scalars: Vec<f64>,
    plateau: Option<Plateau>,
    /// That of the model as it was left, from the first step on.
    model: Option<u64>,
    /// From the first step on.
    parameters: Vec<Known<T>>,
    /// Whether the settings of `parameters` are those of now.
    settled: bool,
    /// Those of the step that is being done.
    gradients: Vec<Tensor<T>>,
    norm: Option<f64>,
}

/// What is known of a parameter.
#[derive(Clone)]
struct Known<T: Scalar> {
    name: String,
    shape: Shape,
    lr_scale: f64,
    weight_decay: f64,
    l2: f64,
    /// In the order of the rule's names.
    states: Vec<Tensor<T>>,
}

#[derive(Clone, Copy, Debug)]
enum Clip {
    None,
    Norm(f64),
    Value(f64),
}

impl<R: Rule + Default, T: Scalar> Default for RuleOptimizer<R, T> {
    fn default() -> Self {
        RuleOptimizer::new(R::default())
    }
}

impl<R: Rule, T: Scalar> RuleOptimizer<R, T> {
    /// An optimiser with this rule, at its learning rate.
    pub fn new(rule: R) -> Self {
        let scalars = rule.scalars().iter().map(|&(_, start)| start).collect();
        RuleOptimizer {
            rule,
            learning_rate: R::LEARNING_RATE,
            schedule: Arc::new(Constant),
            weight_decay: R::WEIGHT_DECAY,
            l2: 0.0,
            groups: Vec::new(),
            clip: Clip::None,
            steps: 0,
            scalars,
            plateau: None,
            model: None,
            parameters: Vec::new(),
            settled: false,
            gradients: Vec::new(),
            norm: None,
        }
    }

    /// Changes the settings of the rule, and forgets what was remembered for it: a fresh start.
    pub fn with_rule(mut self, change: impl FnOnce(&mut R)) -> Self {
        change(&mut self.rule);
        self.reset();
        self
    }

    /// Forgets everything but the settings: the steps done and with them the place in the schedule, what the rule remembers, and
    /// what the plateau has seen. [`fit`](crate::train::fit) does it for another model; in a loop of one's own,
    /// an optimiser that has stepped one model must be reset before it steps another.
    pub fn reset(&mut self) {
        self.scalars = self.rule.scalars().iter().map(|&(_, start)| start).collect();
        self.plateau.iter_mut().for_each(Plateau::reset);
        self.parameters.clear();
        (self.steps, self.model, self.settled, self.norm) = (0, None, false, None);
    }

    /// Sets the learning rate, which [`schedule`](RuleOptimizer::schedule), groups and a plateau multiply.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn learning_rate(self, learning_rate: f64) -> Self {
        check_amount("learning_rate", learning_rate);
        RuleOptimizer { learning_rate, ..self }
    }

    /// Sets by what the learning rate is multiplied in each step: one of [`schedules`](crate::optim::schedules), or a function of
    /// the number of steps done, `|step: usize| 1.0 / (1.0 + step as f64)`.
    pub fn schedule(self, schedule: impl Schedule + 'static) -> Self {
        RuleOptimizer { schedule: Arc::new(schedule), ..self }
    }

    /// Lowers the learning rate when a metric no longer falls: that of [`observe`](RuleOptimizer::observe), in
    /// [`fit`](crate::train::fit) the validation loss of each epoch. Multiplies the rate of the schedule.
    pub fn reduce_on_plateau(self, plateau: Plateau) -> Self {
        RuleOptimizer { plateau: Some(plateau), ..self }
    }

    /// Sets the decoupled weight decay: before the rule, `w = w - rate decay w`. The gradient does not see it.
    ///
    /// Loshchilov and Hutter 2019, "Decoupled weight decay regularization". It is what PyTorch calls `weight_decay` in AdamW;
    /// that of its other optimisers is [`l2`](RuleOptimizer::l2).
    ///
    /// # Panics
    /// If the decay is negative or not finite.
    #[track_caller]
    pub fn weight_decay(self, decay: f64) -> Self {
        check_amount("weight_decay", decay);
        RuleOptimizer { weight_decay: decay, settled: false, ..self }
    }

    /// Sets the L2 penalty: the gradient that the rule sees is `g + penalty w`, that of a loss with `penalty / 2` times the
    /// squares of all weights. PyTorch calls it `weight_decay`, but for AdamW.
    ///
    /// # Panics
    /// If the penalty is negative or not finite.
    #[track_caller]
    pub fn l2(self, penalty: f64) -> Self {
        check_amount("l2", penalty);
        RuleOptimizer { l2: penalty, settled: false, ..self }
    }

    /// Gives parameters settings of their own: those whose dotted name is of the pattern, in which `*` stands for any
    /// number of any characters. `"*bias"` are all biases of the built-in cells and layers, `"*gain"` all gains of their
    /// normalisations, `"layers.0.*"` is all of the first layer. Where several groups set the same thing, the last one
    /// counts.
    ///
    /// The first step panics if a pattern is that of no parameter.
    pub fn group(mut self, pattern: impl Into<String>, settings: impl FnOnce(Group) -> Group) -> Self {
        self.groups.push((pattern.into(), settings(Group::default())));
        RuleOptimizer { settled: false, ..self }
    }

    /// Shortens the whole gradient to at most `longest`, as [`clip_norm`](crate::optim::clip_norm) does. Takes the place of
    /// [`clip_value`](RuleOptimizer::clip_value).
    ///
    /// # Panics
    /// If `longest` is negative or not a number.
    #[track_caller]
    pub fn clip_norm(self, longest: f64) -> Self {
        clip::check(longest);
        RuleOptimizer { clip: Clip::Norm(longest), ..self }
    }

    /// Moves every element of the gradient into the range from `-largest` to `largest`. Takes the place of
    /// [`clip_norm`](RuleOptimizer::clip_norm).
    ///
    /// # Panics
    /// If `largest` is negative or not a number.
    #[track_caller]
    pub fn clip_value(self, largest: f64) -> Self {
        clip::check(largest);
        RuleOptimizer { clip: Clip::Value(largest), ..self }
    }

    /// The learning rate of the next step, before the factors of groups.
    pub fn current_learning_rate(&self) -> f64 {
        let plateau = self.plateau.as_ref().map_or(1.0, Plateau::current_factor);
        self.learning_rate * self.schedule.factor(self.steps) * plateau
    }

    /// The number of steps done.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The length of the whole gradient in the last step, before it was shortened; `None` if nothing is to be shortened by
    /// [`clip_norm`](RuleOptimizer::clip_norm), or before the first step.
    pub fn gradient_norm(&self) -> Option<f64> {
        self.norm
    }

    /// Tells the [plateau](RuleOptimizer::reduce_on_plateau), if there is one, a metric.
    pub fn observe(&mut self, metric: f64) {
        if let Some(plateau) = &mut self.plateau {
            plateau.observe(metric);
        }
    }

    /// All that later steps depend on, and that is not a setting: the number of steps (`step`), what the rule remembers
    /// (`m.layers.0.weight`), and where the plateau stands (`plateau.best`). [`restore`](Optimizer::load_state_dict) takes it.
    pub fn state_dict(&self) -> StateDict<T> {
        let mut memory = StateDict::new();
        memory.numbers.insert("step".into(), self.steps as f64);
        for (&(name, _), &number) in self.rule.scalars().iter().zip(&self.scalars) {
            memory.numbers.insert(name.into(), number);
        }
        if let Some(plateau) = &self.plateau {
            memory.nest("plateau", plateau.state_dict());
        }
        // Before the first step everything is zero, whether there is room for it or not.
        for parameter in self.parameters.iter().filter(|_| self.steps > 0) {
            for (kind, tensor) in self.rule.state_names().iter().zip(&parameter.states) {
                memory.tensors.insert(format!("{kind}.{}", parameter.name), tensor.clone());
            }
        }
        memory
    }

    /// Finds the settings of each parameter, and makes room for what is to be remembered of it.
    ///
    /// # Panics
    /// If the model is not the one that the optimiser knows, or a group has no parameters.
    #[track_caller]
    fn settle<M: Params<Tensor<T>>>(&mut self, model: &M) {
        if self.parameters.is_empty() {
            let names = self.rule.state_names().len();
            let known = &mut self.parameters;
            model.visit_leaves(Path::ROOT, &mut |path, leaf| {
                let (name, shape) = (path.to_string(), leaf.shape());
                let states = (0..names).map(|_| Tensor::zeros(shape)).collect();
                known.push(Known { name, shape, lr_scale: 1.0, weight_decay: 0.0, l2: 0.0, states });
            });
        } else if let Some(misfit) = self.misfit(model) {
            panic!("optimizer: {misfit}; an optimizer belongs to one model");
        }
        if self.settled {
            return;
        }
        for (pattern, _) in &self.groups {
            if !self.parameters.iter().any(|parameter| matches(pattern, &parameter.name)) {
                let names = listed(self.parameters.iter().map(|parameter| &parameter.name), ", ");
                panic!("group: no parameter is called {pattern:?}; there are {names}");
            }
        }
        for parameter in &mut self.parameters {
            let own = self.groups.iter().filter(|(pattern, _)| matches(pattern, &parameter.name));
            let own = own.fold(Group::default(), |settings, (_, group)| settings.overruled_by(group));
            parameter.lr_scale = own.lr_scale.unwrap_or(1.0);
            parameter.weight_decay = own.weight_decay.unwrap_or(self.weight_decay);
            parameter.l2 = own.l2.unwrap_or(self.l2);
        }
        self.settled = true;
    }

    /// The first leaf that has not the shape of the parameter in its place, in words.
    fn misfit<M: Params<Tensor<T>>>(&self, leaves: &M) -> Option<String> {
        let (mut count, mut misfit) = (0, None);
        leaves.visit_leaves(Path::ROOT, &mut |path, leaf| {
            let known = self.parameters.get(count);
            if misfit.is_none() && !known.is_some_and(|known| known.shape == leaf.shape()) {
                let expected = known.map_or("nothing".into(), |known| format!("{} {}", known.name, known.shape));
                misfit = Some(format!("{path} {} stands where {expected} was", leaf.shape()));
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
    /// If a group has no parameters, or the model or the gradients are not of the shapes of the first step.
    #[track_caller]
    fn step(&mut self, model: &mut M, gradients: &M) {
        self.settle(model);
        if let Some(misfit) = self.misfit(gradients) {
            panic!("optimizer: among the gradients, {misfit}");
        }
        self.norm = match self.clip {
            Clip::Norm(_) => Some(clip::gradient_norm(gradients)),
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

        // Handles, so that two models are walked through side by side without a list made anew in each step.
        let handles = &mut self.gradients;
        handles.clear();
        gradients.visit_leaves(Path::ROOT, &mut |_, gradient| handles.push(gradient.clone()));
        let mut known = self.parameters.iter_mut().zip(&self.gradients);
        model.visit_leaves_mut(Path::ROOT, &mut |_, weight| {
            let (known, gradient) = known.next().expect("as many as were settled");
            let step = Step { t: self.steps, learning_rate: rate * known.lr_scale, scalars: &self.scalars };
            let kept = 1.0 - step.learning_rate * known.weight_decay;
            let (l2, states) = (known.l2, &mut known.states[..]);
            self.rule.update(step, Parameter { weight, gradient, states, largest, scale, l2, kept });
        });
        self.gradients.clear();
        self.model = Some(fingerprint(model));
    }

    /// Goes on with the model that it has stepped, if it is as it was left; else forgets that one.
    ///
    /// # Panics
    /// If a group has no parameters.
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
    /// If a group has no parameters.
    #[track_caller]
    fn load_state_dict(&mut self, model: &M, memory: &StateDict<T>) -> Result<(), StateDictError> {
        self.settle(model);
        let mut reader = memory.reader();
        let steps = reader.count("step");
        let numbers: Vec<_> = self.rule.scalars().iter().map(|&(name, _)| reader.number(name)).collect();
        let mut plateau = self.plateau.clone();
        if let Some(plateau) = &mut plateau {
            plateau.read("plateau", &mut reader);
        }
        let mut states = Vec::new();
        for parameter in &self.parameters {
            for kind in self.rule.state_names() {
                states.push(match steps {
                    Some(0) => Some(Tensor::zeros(parameter.shape)),
                    _ => reader.tensor(&format!("{kind}.{}", parameter.name), parameter.shape),
                });
            }
        }
        reader.finish()?;

        // Everything was there.
        self.model = Some(fingerprint(model));
        self.steps = steps.unwrap_or_default();
        self.scalars = numbers.into_iter().flatten().collect();
        self.plateau = plateau;
        let places = self.parameters.iter_mut().flat_map(|parameter| &mut parameter.states);
        for (place, tensor) in places.zip(states.into_iter().flatten()) {
            *place = tensor;
        }
        Ok(())
    }
}

impl<R: fmt::Debug, T: Scalar> fmt::Debug for RuleOptimizer<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuleOptimizer")
            .field("rule", &self.rule)
            .field("learning_rate", &self.learning_rate)
            .field("weight_decay", &self.weight_decay)
            .field("l2", &self.l2)
            .field("groups", &self.groups)
            .field("clip", &self.clip)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}
