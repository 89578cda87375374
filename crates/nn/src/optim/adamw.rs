//! The optimiser AdamW.

use super::adam::AdamRule;
use super::{Parameter, Rule, RuleOptimizer, Step, check_amount, check_decay};
use unspool_autograd::Scalar;

/// AdamW: [`Adam`](super::Adam) in PyTorch's form with decoupled [weight decay](RuleOptimizer::weight_decay),
/// `w - rate decay w` before the step of Adam.
///
/// Loshchilov and Hutter 2019, "Decoupled weight decay regularization", algorithm 2. The defaults are PyTorch's: rate 0.001,
/// betas 0.9 and 0.999, epsilon 1e-8, decay 0.01.
///
/// ```
/// use unspool_nn::layers::Dense;
/// use unspool_nn::optim::{AdamW, Optimizer};
/// use unspool_autograd::{Tensor, ParamsExt};
/// let mut model = Dense::<Tensor> { weight: Tensor::ones([2, 1]), bias: Tensor::ones([1]) };
/// let no_gradient = model.zeros_like();
/// let mut adamw = AdamW::default().learning_rate(0.5).weight_decay(0.1).group("bias", |g| g.weight_decay(0.0));
/// adamw.step(&mut model, &no_gradient);
/// assert_eq!((model.weight.at([0, 0]), model.bias.at([0])), (0.95, 1.0));
/// ```
pub type AdamW<T = f32> = RuleOptimizer<AdamWRule, T>;

/// The rule of [`AdamW`]: Adam's, with another default for the weight decay.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamWRule(AdamRule);

impl Default for AdamWRule {
    fn default() -> Self {
        AdamWRule(AdamRule::torch())
    }
}

impl<T: Scalar> AdamW<T> {
    /// Sets the decay of the two running means, per step.
    ///
    /// # Panics
    /// If one is not at least 0 and less than 1.
    #[track_caller]
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        check_decay("beta1", beta1);
        check_decay("beta2", beta2);
        self.with_rule(|rule| rule.0.betas = (beta1, beta2))
    }

    /// Sets the small number that keeps the division finite.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        check_amount("epsilon", epsilon);
        self.with_rule(|rule| rule.0.epsilon = epsilon)
    }

    /// Divides by the root of the largest `v` so far: see [`Adam::amsgrad`](super::Adam::amsgrad).
    pub fn amsgrad(self) -> Self {
        self.with_rule(|rule| rule.0.amsgrad = true)
    }
}

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
