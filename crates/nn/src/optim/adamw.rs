//! The optimizer AdamW.

use super::adam::AdamRule;
use super::{Parameter, Rule, RuleOptimizer, Step};
use unspool_autograd::Scalar;

/// AdamW: [`Adam`](super::Adam) in PyTorch's form with decoupled [weight
/// decay](RuleOptimizer::weight_decay), `w - learning_rate decay w` before the step of Adam.
///
/// Loshchilov and Hutter 2019, "Decoupled weight decay regularization", algorithm 2. The defaults
/// are PyTorch's: learning rate 0.001, betas 0.9 and 0.999, epsilon 1e-8, decay 0.01.
///
/// ```
/// use unspool::optim::AdamW;
/// use unspool::{Dense, Optimizer, ParamsExt, Tensor};
/// let mut model = Dense::<Tensor> { weight: Tensor::ones([2, 1]), bias: Tensor::ones([1]) };
/// let no_gradient = model.zeros_like();
/// let mut adamw = AdamW::default().learning_rate(0.5).weight_decay(0.1).group("bias", |g| g.weight_decay(0.0));
/// adamw.step(&mut model, &no_gradient);
/// assert_eq!((model.weight.at([0, 0]), model.bias.at([0])), (0.95, 1.0));
/// ```
pub type AdamW<T = f32> = RuleOptimizer<AdamWRule, T>;

/// The rule of [`AdamW`]: Adam's, with another default for the weight decay.
///
/// ```
/// use unspool::optim::{AdamW, AdamWRule, RuleOptimizer};
/// let adamw: AdamW = RuleOptimizer::new(AdamWRule::default()); // the same as AdamW::default()
/// assert_eq!(adamw.current_learning_rate(), AdamW::<f32>::default().current_learning_rate());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdamWRule(AdamRule);

impl Default for AdamWRule {
    fn default() -> Self {
        AdamWRule(AdamRule::torch())
    }
}

impl<T: Scalar> AdamW<T> {
    /// Divides by the root of the largest `v` so far: see [`Adam::amsgrad`](super::Adam::amsgrad).
    pub fn amsgrad(self) -> Self {
        self.with_rule(|rule| rule.0.amsgrad = true)
    }
}

super::betas_and_epsilon!(AdamW, rule.0);

impl Rule for AdamWRule {
    const LEARNING_RATE: f64 = AdamRule::LEARNING_RATE;
    const WEIGHT_DECAY: f64 = 1e-2;

    fn state_names(&self) -> &'static [&'static str] {
        self.0.state_names()
    }

    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
        self.0.update(step, parameter);
    }
}
