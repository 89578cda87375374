//! The optimizer Adadelta.

use super::running_mean::Mean;
use super::{Parameter, Rule, RuleOptimizer, Step, check_amount, check_decay};
use unspool_autograd::Scalar;

/// Adadelta: the gradient times the root mean square of recent steps, over that of recent
/// gradients,
///
/// ```text
/// v = rho v + (1 - rho) g²
/// d = sqrt(u + epsilon) / sqrt(v + epsilon) g
/// u = rho u + (1 - rho) d²
/// w = w - lr d
/// ```
///
/// Zeiler 2012, "ADADELTA: an adaptive learning rate method", algorithm 1. The defaults are
/// PyTorch's: learning rate 1, rho 0.9, epsilon 1e-6.
///
/// ```
/// use unspool::optim::Adadelta;
/// use unspool::{Dense, Optimizer, Tensor};
/// let mut model = Dense::<Tensor> { weight: Tensor::zeros([2, 1]), bias: Tensor::zeros([1]) };
/// let gradients = Dense { weight: Tensor::full(5.0, [2, 1]), bias: Tensor::full(-5.0, [1]) };
/// Adadelta::default().step(&mut model, &gradients);
/// assert!((model.weight.at([0, 0]) + 1e-5f32.sqrt()).abs() < 1e-6);
/// assert_eq!(model.bias.at([0]), -model.weight.at([0, 0]));
/// ```
pub type Adadelta<T = f32> = RuleOptimizer<AdadeltaRule, T>;

/// The rule of [`Adadelta`].
///
/// ```
/// use unspool::optim::{Adadelta, AdadeltaRule, RuleOptimizer};
/// let adadelta: Adadelta = RuleOptimizer::new(AdadeltaRule::default()); // the same as Adadelta::default()
/// assert_eq!(adadelta.current_learning_rate(), Adadelta::<f32>::default().current_learning_rate());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdadeltaRule {
    rho: f64,
    epsilon: f64,
}

impl Default for AdadeltaRule {
    fn default() -> Self {
        AdadeltaRule { rho: 0.9, epsilon: 1e-6 }
    }
}

impl<T: Scalar> Adadelta<T> {
    /// Sets the decay of the running means, per step.
    ///
    /// # Panics
    /// If it is not at least 0 and less than 1.
    #[track_caller]
    pub fn rho(self, rho: f64) -> Self {
        check_decay("rho", rho);
        self.with_rule(|rule| rule.rho = rho)
    }

    /// Sets the small number that scales the first step and keeps the division finite.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        check_amount("epsilon", epsilon);
        self.with_rule(|rule| rule.epsilon = epsilon)
    }
}

impl Rule for AdadeltaRule {
    const LEARNING_RATE: f64 = 1.0;

    fn state_names(&self) -> &'static [&'static str] {
        &["v", "u"]
    }

    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
        let mean = Mean::new(self.rho);
        let [rate, epsilon] = [step.learning_rate, self.epsilon].map(T::from_f64);
        parameter.each(
            #[inline(always)]
            |w, g, [v, u]| {
                let v = mean.of_square(v, g);
                let d = (u + epsilon).sqrt() / (v + epsilon).sqrt() * g;
                let u = mean.of_square(u, d);
                (w - rate * d, [v, u])
            },
        );
    }
}
