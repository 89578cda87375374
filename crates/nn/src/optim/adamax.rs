//! The optimizer Adamax.

use super::running_mean::Mean;
use super::{Parameter, Rule, RuleOptimizer, Step, larger};
use unspool_autograd::Scalar;

/// Adamax: [`Adam`](super::Adam) with a decaying maximum instead of the root of the mean square,
///
/// ```text
/// m = beta1 m + (1 - beta1) g
/// u = max(beta2 u, |g| + epsilon)
/// w = w - lr / (1 - beta1^t) m / u
/// ```
///
/// Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 2, with PyTorch's
/// epsilon and defaults: learning rate 0.002, betas 0.9 and 0.999, epsilon 1e-8. As nothing is
/// squared, gradients of any size make steps.
///
/// ```
/// use unspool::optim::Adamax;
/// use unspool::{Dense, Optimizer, Tensor};
/// let mut model = Dense::<Tensor> { weight: Tensor::zeros([2, 1]), bias: Tensor::zeros([1]) };
/// let gradients = Dense { weight: Tensor::full(1e30, [2, 1]), bias: Tensor::full(-0.5, [1]) };
/// Adamax::default().step(&mut model, &gradients);
/// assert!((model.weight.at([0, 0]) + 2e-3).abs() < 1e-6);
/// assert!((model.bias.at([0]) - 2e-3).abs() < 1e-6);
/// ```
pub type Adamax<T = f32> = RuleOptimizer<AdamaxRule, T>;

/// The rule of [`Adamax`].
///
/// ```
/// use unspool::optim::{Adamax, AdamaxRule, RuleOptimizer};
/// let adamax: Adamax = RuleOptimizer::new(AdamaxRule::default()); // the same as Adamax::default()
/// assert_eq!(adamax.current_learning_rate(), Adamax::<f32>::default().current_learning_rate());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdamaxRule {
    betas: (f64, f64),
    epsilon: f64,
}

impl Default for AdamaxRule {
    fn default() -> Self {
        AdamaxRule { betas: (0.9, 0.999), epsilon: 1e-8 }
    }
}

super::betas_and_epsilon!(Adamax, rule);

impl Rule for AdamaxRule {
    const LEARNING_RATE: f64 = 2e-3;

    fn state_names(&self) -> &'static [&'static str] {
        &["m", "u"]
    }

    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
        let mean = Mean::new(self.betas.0);
        let rate = T::from_f64(step.learning_rate / step.correction(mean.beta));
        let [beta2, epsilon] = [self.betas.1, self.epsilon].map(T::from_f64);
        parameter.each(
            #[inline(always)]
            |w, g, [m, u]| {
                let (m, u) = (mean.of(m, g), larger(beta2 * u, g.abs() + epsilon));
                (w - rate * (m / u), [m, u])
            },
        );
    }
}
