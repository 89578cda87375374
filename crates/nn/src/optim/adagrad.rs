//! The optimizer Adagrad.

use super::{Parameter, Rule, RuleOptimizer, Step, check_amount};
use unspool_autograd::Scalar;

/// Adagrad: the gradient over the root of the sum of all its squares so far,
///
/// ```text
/// s = s + g²
/// w = w - lr / (1 + (t - 1) decay) g / (sqrt(s) + epsilon)
/// ```
///
/// where `s` starts at 0, or at the [initial accumulator](Adagrad::initial_accumulator).
///
/// Duchi, Hazan and Singer 2011, "Adaptive subgradient methods for online learning and stochastic
/// optimization". The defaults are PyTorch's: learning rate 0.01, decay 0, epsilon 1e-10.
///
/// ```
/// use unspool::optim::Adagrad;
/// use unspool::{Dense, Optimizer, Tensor};
/// let mut model = Dense::<Tensor> { weight: Tensor::zeros([2, 1]), bias: Tensor::zeros([1]) };
/// let gradients = Dense { weight: Tensor::full(5.0, [2, 1]), bias: Tensor::full(-0.1, [1]) };
/// Adagrad::default().step(&mut model, &gradients);
/// assert!((model.weight.at([0, 0]) + 0.01).abs() < 1e-6);
/// assert!((model.bias.at([0]) - 0.01).abs() < 1e-6);
/// ```
pub type Adagrad<T = f32> = RuleOptimizer<AdagradRule, T>;

/// The rule of [`Adagrad`].
///
/// ```
/// use unspool::optim::{Adagrad, AdagradRule, RuleOptimizer};
/// let adagrad: Adagrad = RuleOptimizer::new(AdagradRule::default()); // the same as Adagrad::default()
/// assert_eq!(adagrad.current_learning_rate(), Adagrad::<f32>::default().current_learning_rate());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdagradRule {
    decay: f64,
    epsilon: f64,
    initial: f64,
}

impl Default for AdagradRule {
    fn default() -> Self {
        AdagradRule { decay: 0.0, epsilon: 1e-10, initial: 0.0 }
    }
}

impl<T: Scalar> Adagrad<T> {
    /// Sets the decay of the learning rate (PyTorch's `lr_decay`).
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn lr_decay(self, decay: f64) -> Self {
        check_amount("lr_decay", decay);
        self.with_rule(|rule| rule.decay = decay)
    }

    /// Sets the initial sum of squares (PyTorch's `initial_accumulator_value`), which shortens the
    /// first steps.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn initial_accumulator(self, sum: f64) -> Self {
        check_amount("initial_accumulator", sum);
        self.with_rule(|rule| rule.initial = sum)
    }

    /// Sets the small number that keeps the division finite.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn epsilon(self, epsilon: f64) -> Self {
        check_amount("epsilon", epsilon);
        self.with_rule(|rule| rule.epsilon = epsilon)
    }
}

impl Rule for AdagradRule {
    const LEARNING_RATE: f64 = 1e-2;

    fn state_names(&self) -> &'static [&'static str] {
        &["s"]
    }

    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
        let rate = step.learning_rate / (1.0 + (step.t - 1) as f64 * self.decay);
        // States are zero before the first step.
        let start = if step.t == 1 { self.initial } else { 0.0 };
        let [rate, epsilon, start] = [rate, self.epsilon, start].map(T::from_f64);
        parameter.each(
            #[inline(always)]
            |w, g, [s]| {
                let s = s + start + g * g;
                (w - rate * (g / (s.sqrt() + epsilon)), [s])
            },
        );
    }
}
