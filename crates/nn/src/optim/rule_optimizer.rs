//! The settings that all optimizers share.

use super::group::Group;
use super::{Rule, check_amount};
use crate::optim::clip;
use crate::optim::schedules::{Constant, Plateau, Schedule};
use std::fmt;
use std::sync::Arc;
use unspool_autograd::{Scalar, Shape, Tensor};

/// An optimizer: a [`Rule`], and around it learning rate and schedule, weight decay, parameter
/// groups, clipping, and the state of each parameter.
///
/// A step does the following for each parameter, in one pass over the memory: it clips the
/// gradient, adds the L2 penalty, decays the weight, and applies the rule. Nothing is allocated
/// after the first step.
///
/// ```
/// use unspool::optim::AdamW;
/// use unspool::optim::schedules::Cosine;
/// use unspool::prelude::*;
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
/// println!("learning rate {}, gradient norm {}", adamw.current_learning_rate(), adamw.gradient_norm().unwrap());
/// ```
#[derive(Clone)]
pub struct RuleOptimizer<R, T: Scalar = f32> {
    pub(super) rule: R,
    learning_rate: f64,
    schedule: Arc<dyn Schedule>,
    pub(super) weight_decay: f64,
    pub(super) l2: f64,
    /// Patterns of names with their settings; later ones override earlier ones.
    pub(super) groups: Vec<(String, Group)>,
    /// Patterns of the names of frozen parameters.
    pub(super) frozen: Vec<String>,
    pub(super) clip: Clip,
    /// The number of steps done.
    pub(super) steps: usize,
    /// The scalars of the rule.
    pub(super) scalars: Vec<f64>,
    pub(super) plateau: Option<Plateau>,
    /// The fingerprint of the model after the last step.
    pub(super) model: Option<u64>,
    /// Empty before the first step.
    pub(super) parameters: Vec<ParameterState<T>>,
    /// Whether the settings of `parameters` are up to date.
    pub(super) settled: bool,
    /// The gradients of the current step; empty between steps.
    pub(super) gradients: Vec<Tensor<T>>,
    pub(super) norm: Option<f64>,
}

/// A parameter: its settings, and what the rule keeps of it from step to step.
#[derive(Clone)]
pub(super) struct ParameterState<T: Scalar> {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) frozen: bool,
    pub(super) lr_scale: f64,
    pub(super) weight_decay: f64,
    pub(super) l2: f64,
    /// In the order of [`Rule::state_names`]; none if the parameter is frozen.
    pub(super) states: Vec<Tensor<T>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Clip {
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
    /// An optimizer with this rule and its default learning rate.
    pub fn new(rule: R) -> Self {
        let scalars = rule.scalars().iter().map(|&(_, start)| start).collect();
        RuleOptimizer {
            rule,
            learning_rate: R::LEARNING_RATE,
            schedule: Arc::new(Constant),
            weight_decay: R::WEIGHT_DECAY,
            l2: 0.0,
            groups: Vec::new(),
            frozen: Vec::new(),
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

    /// Changes the settings of the rule and discards all state.
    pub fn with_rule(mut self, change: impl FnOnce(&mut R)) -> Self {
        change(&mut self.rule);
        self.reset();
        self
    }

    /// Discards everything except the settings: the number of steps, and with it the position in
    /// the schedule, the states of the rule, and those of the plateau. [`fit`](crate::train::fit)
    /// does this for another model; in a custom training loop, an optimizer must be reset before it
    /// steps another model.
    pub fn reset(&mut self) {
        self.scalars = self.rule.scalars().iter().map(|&(_, start)| start).collect();
        self.plateau.iter_mut().for_each(Plateau::reset);
        self.parameters.clear();
        (self.steps, self.model, self.settled, self.norm) = (0, None, false, None);
    }

    /// Sets the learning rate, which [`schedule`](RuleOptimizer::schedule), groups and a plateau
    /// multiply.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn learning_rate(self, learning_rate: f64) -> Self {
        check_amount("learning_rate", learning_rate);
        RuleOptimizer { learning_rate, ..self }
    }

    /// Sets the schedule, which multiplies the learning rate: one of
    /// [`schedules`](crate::optim::schedules), or a function of the number of steps done, `|step:
    /// usize| 1.0 / (1.0 + step as f64)`.
    pub fn schedule(self, schedule: impl Schedule + 'static) -> Self {
        RuleOptimizer { schedule: Arc::new(schedule), ..self }
    }

    /// Reduces the learning rate when a metric stops improving: the metric given to
    /// [`observe`](RuleOptimizer::observe), which in [`fit`](crate::train::fit) is the validation
    /// loss of each epoch. Its factor multiplies that of the schedule.
    pub fn reduce_on_plateau(self, plateau: Plateau) -> Self {
        RuleOptimizer { plateau: Some(plateau), ..self }
    }

    /// Sets the decoupled weight decay: before the rule, `w = w - lr decay w`. The gradient is not
    /// affected.
    ///
    /// Loshchilov and Hutter 2019, "Decoupled weight decay regularization". This is PyTorch's
    /// `weight_decay` in AdamW; in its other optimizers that name means [`l2`](RuleOptimizer::l2).
    ///
    /// # Panics
    /// If the decay is negative or not finite.
    #[track_caller]
    pub fn weight_decay(self, decay: f64) -> Self {
        check_amount("weight_decay", decay);
        RuleOptimizer { weight_decay: decay, settled: false, ..self }
    }

    /// Sets the L2 penalty: the rule is given the gradient `g + penalty w`, that of a loss plus
    /// `penalty / 2` times the sum of the squares of all weights. PyTorch calls it `weight_decay`,
    /// except in AdamW.
    ///
    /// # Panics
    /// If the penalty is negative or not finite.
    #[track_caller]
    pub fn l2(self, penalty: f64) -> Self {
        check_amount("l2", penalty);
        RuleOptimizer { l2: penalty, settled: false, ..self }
    }

    /// Sets different settings for the parameters whose dotted name matches a pattern, in which `*`
    /// matches any number of any characters. `"*bias"` matches all biases of the built-in cells and
    /// layers, `"*gain"` all gains of their normalizations, `"layers.0.*"` the first layer. If
    /// several groups set the same setting, the last one counts.
    ///
    /// The first step panics if a pattern matches no parameter.
    pub fn group(mut self, pattern: impl Into<String>, settings: impl FnOnce(Group) -> Group) -> Self {
        self.groups.push((pattern.into(), settings(Group::default())));
        RuleOptimizer { settled: false, ..self }
    }

    /// Freezes the parameters whose dotted name matches a pattern, as in
    /// [`group`](RuleOptimizer::group): no step changes a bit of them, whatever their gradient and
    /// weight decay, they have no state, and their gradients do not count in the norm that is
    /// clipped. As PyTorch's `requires_grad_(False)`; their gradients are computed nevertheless. To
    /// save that time, make the frozen part of a model a [buffer](unspool_autograd::Params#buffers).
    ///
    /// The first step panics if a pattern matches no parameter.
    ///
    /// ```
    /// use unspool::optim::AdamW;
    /// use unspool::prelude::*;
    /// let mut model = sequential().add(dense(2, 8)).add(dense(8, 1)); // the first layer is trained already
    /// let before = model.clone();
    /// let train = Dataset::new(Tensor::<f32>::ones([64, 2]), Tensor::zeros([64, 1]))?;
    /// let adamw = AdamW::default().freeze("layers.0.*");
    /// fit(&mut model, &train).loss(mse).optimizer(adamw).epochs(1).quiet().run()?;
    /// assert_eq!(model.leaves()[..2], before.leaves()[..2]);
    /// assert_ne!(model.leaves()[2], before.leaves()[2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn freeze(mut self, pattern: impl Into<String>) -> Self {
        self.frozen.push(pattern.into());
        RuleOptimizer { settled: false, ..self }
    }

    /// Clips the global gradient norm to `longest`, as [`clip_norm`](crate::optim::clip_norm) does.
    /// Replaces [`clip_value`](RuleOptimizer::clip_value).
    ///
    /// # Panics
    /// If `longest` is negative or not a number.
    #[track_caller]
    pub fn clip_norm(self, longest: f64) -> Self {
        clip::check(longest);
        RuleOptimizer { clip: Clip::Norm(longest), ..self }
    }

    /// Clips every element of the gradient to the range from `-largest` to `largest`. Replaces
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

    /// The global gradient norm of the last step, before clipping; `None` without
    /// [`clip_norm`](RuleOptimizer::clip_norm) and before the first step.
    pub fn gradient_norm(&self) -> Option<f64> {
        self.norm
    }

    /// Passes a metric to the [plateau](RuleOptimizer::reduce_on_plateau), if there is one.
    pub fn observe(&mut self, metric: f64) {
        if let Some(plateau) = &mut self.plateau {
            plateau.observe(metric);
        }
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
            .field("frozen", &self.frozen)
            .field("clip", &self.clip)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}
