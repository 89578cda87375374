//! The optimizer Lion.

use super::running_mean::Mean;
use super::{Parameter, Rule, RuleOptimizer, Step, check_decay};
use unspool_autograd::Scalar;

/// Lion: the sign of a mean of momentum and gradient,
///
/// ```text
/// w = w - lr sign(beta1 m + (1 - beta1) g)
/// m = beta2 m + (1 - beta2) g
/// ```
///
/// Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2; its weight decay
/// is the [decoupled](RuleOptimizer::weight_decay) one, 0 by default. Learning rate 0.0001, betas
/// 0.9 and 0.99. The authors recommend learning rates three to ten times smaller than AdamW's, and
/// decays that much larger.
///
/// ```
/// use unspool::optim::Lion;
/// use unspool::{Dense, Optimizer, Tensor};
/// let mut model = Dense::<Tensor> { weight: Tensor::zeros([2, 1]), bias: Tensor::zeros([1]) };
/// let gradients = Dense { weight: Tensor::full(5.0, [2, 1]), bias: Tensor::full(-1e-3, [1]) };
/// Lion::default().learning_rate(0.5).step(&mut model, &gradients);
/// assert_eq!((model.weight.at([0, 0]), model.bias.at([0])), (-0.5, 0.5));
/// ```
pub type Lion<T = f32> = RuleOptimizer<LionRule, T>;

/// The rule of [`Lion`].
///
/// ```
/// use unspool::optim::{Lion, LionRule, RuleOptimizer};
/// let lion: Lion = RuleOptimizer::new(LionRule::default()); // the same as Lion::default()
/// assert_eq!(lion.current_learning_rate(), Lion::<f32>::default().current_learning_rate());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LionRule {
    betas: (f64, f64),
}

impl Default for LionRule {
    fn default() -> Self {
        LionRule { betas: (0.9, 0.99) }
    }
}

impl<T: Scalar> Lion<T> {
    /// Sets the decay of the momentum in the step, and that of the momentum that is kept.
    ///
    /// # Panics
    /// If one is not at least 0 and less than 1.
    #[track_caller]
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        check_decay("beta1", beta1);
        check_decay("beta2", beta2);
        self.with_rule(|rule| rule.betas = (beta1, beta2))
    }
}

impl Rule for LionRule {
    const LEARNING_RATE: f64 = 1e-4;

    fn state_names(&self) -> &'static [&'static str] {
        &["m"]
    }

    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
        let (seen, kept) = (Mean::new(self.betas.0), Mean::new(self.betas.1));
        let rate = T::from_f64(step.learning_rate);
        parameter.each(
            #[inline(always)]
            |w, g, [m]| (w - rate * seen.of(m, g).sign(), [kept.of(m, g)]),
        );
    }
}
