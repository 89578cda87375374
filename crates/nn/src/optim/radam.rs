//! The optimizer RAdam.

use super::running_mean::Mean;
use super::{Parameter, Rule, RuleOptimizer, Step};
use unspool_autograd::Scalar;

/// RAdam: [`Adam`](super::Adam) whose steps are shortened while `v` is an average of few squares,
/// and that does without `v` in the first five,
///
/// ```text
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g²
/// n = N - 2 t beta2^t / (1 - beta2^t)                        N = 2 / (1 - beta2) - 1
/// r = sqrt((n - 4) (n - 2) N / ((N - 4) (N - 2) n))
/// w = w - lr m / (1 - beta1^t) r sqrt(1 - beta2^t) / (sqrt(v) + epsilon)     if n > 5
/// w = w - lr m / (1 - beta1^t)                                               otherwise
/// ```
///
/// Liu et al. 2020, "On the variance of the adaptive learning rate and beyond", algorithm 2, where
/// the limit is 4; the limit 5 and the defaults are PyTorch's: learning rate 0.001, betas 0.9 and
/// 0.999, epsilon 1e-8.
///
/// ```
/// use unspool::optim::RAdam;
/// use unspool::{Dense, Optimizer, Tensor};
/// let mut model = Dense::<Tensor> { weight: Tensor::zeros([2, 1]), bias: Tensor::zeros([1]) };
/// let gradients = Dense { weight: Tensor::full(5.0, [2, 1]), bias: Tensor::full(-0.5, [1]) };
/// RAdam::default().learning_rate(0.1).step(&mut model, &gradients);
/// assert!((model.weight.at([0, 0]) + 0.5).abs() < 1e-6); // the first steps are plain descent
/// ```
pub type RAdam<T = f32> = RuleOptimizer<RAdamRule, T>;

/// The rule of [`RAdam`].
///
/// ```
/// use unspool::optim::{RAdam, RAdamRule, RuleOptimizer};
/// let radam: RAdam = RuleOptimizer::new(RAdamRule::default()); // the same as RAdam::default()
/// assert_eq!(radam.current_learning_rate(), RAdam::<f32>::default().current_learning_rate());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RAdamRule {
    betas: (f64, f64),
    epsilon: f64,
}

impl Default for RAdamRule {
    fn default() -> Self {
        RAdamRule { betas: (0.9, 0.999), epsilon: 1e-8 }
    }
}

super::betas_and_epsilon!(RAdam, rule);

impl Rule for RAdamRule {
    const LEARNING_RATE: f64 = 1e-3;

    fn state_names(&self) -> &'static [&'static str] {
        &["m", "v"]
    }

    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
        let (first, second) = (Mean::new(self.betas.0), Mean::new(self.betas.1));
        let left = step.correction(second.beta);
        let most = 2.0 / (1.0 - second.beta) - 1.0;
        let n = most - 2.0 * step.t as f64 * (1.0 - left) / left;
        let rate = step.learning_rate / step.correction(first.beta);
        let epsilon = T::from_f64(self.epsilon);
        if n > 5.0 {
            let r = ((n - 4.0) * (n - 2.0) * most / ((most - 4.0) * (most - 2.0) * n)).sqrt();
            let rate = T::from_f64(rate * r * left.sqrt());
            parameter.each(
                #[inline(always)]
                |w, g, [m, v]| {
                    let (m, v) = (first.of(m, g), second.of_square(v, g));
                    (w - rate * (m / (v.sqrt() + epsilon)), [m, v])
                },
            );
        } else {
            let rate = T::from_f64(rate);
            parameter.each(
                #[inline(always)]
                |w, g, [m, v]| {
                    let (m, v) = (first.of(m, g), second.of_square(v, g));
                    (w - rate * m, [m, v])
                },
            );
        }
    }
}
