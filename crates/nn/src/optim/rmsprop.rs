//! The optimizer RMSprop.

use super::running_mean::Mean;
use super::{Parameter, Rule, RuleOptimizer, Step, check_amount, check_decay};
use unspool_autograd::Scalar;

/// RMSprop: the gradient over its running root mean square,
///
/// ```text
/// v = alpha v + (1 - alpha) g²
/// w = w - lr g / (sqrt(v) + epsilon)
/// ```
///
/// [Centered](RmsProp::centered), with a running mean `a` of the gradient, the divisor is the
/// standard deviation `sqrt(v - a²)`; with [momentum](RmsProp::momentum) `mu`, `w = w - lr b` where
/// `b = mu b + g / (..)`.
///
/// Tieleman and Hinton 2012, lecture 6.5 of "Neural networks for machine learning"; centered:
/// Graves 2013, "Generating sequences with recurrent neural networks", equations 38 to 41. The
/// defaults are PyTorch's: learning rate 0.01, alpha 0.99, epsilon 1e-8. Where rounding takes `v -
/// a²` below zero, zero is used.
///
/// ```
/// use unspool::optim::RmsProp;
/// use unspool::{Dense, Optimizer, Tensor};
/// let mut model = Dense::<Tensor> { weight: Tensor::zeros([2, 1]), bias: Tensor::zeros([1]) };
/// let gradients = Dense { weight: Tensor::full(5.0, [2, 1]), bias: Tensor::full(-0.1, [1]) };
/// RmsProp::default().alpha(0.75).step(&mut model, &gradients);
/// assert!((model.weight.at([0, 0]) + 0.02).abs() < 1e-6); // sqrt(v) is 0.5 |g| in the first step
/// assert!((model.bias.at([0]) - 0.02).abs() < 1e-6);
/// ```
pub type RmsProp<T = f32> = RuleOptimizer<RmsPropRule, T>;

/// The rule of [`RmsProp`].
///
/// ```
/// use unspool::optim::{RmsProp, RmsPropRule, RuleOptimizer};
/// let rmsprop: RmsProp = RuleOptimizer::new(RmsPropRule::default()); // the same as RmsProp::default()
/// assert_eq!(rmsprop.current_learning_rate(), RmsProp::<f32>::default().current_learning_rate());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RmsPropRule {
    alpha: f64,
    epsilon: f64,
    momentum: f64,
    centered: bool,
}

impl Default for RmsPropRule {
    fn default() -> Self {
        RmsPropRule { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, centered: false }
    }
}

impl<T: Scalar> RmsProp<T> {
    /// Sets the decay of the running means, per step.
    ///
    /// # Panics
    /// If it is not at least 0 and less than 1.
    #[track_caller]
    pub fn alpha(self, alpha: f64) -> Self {
        check_decay("alpha", alpha);
        self.with_rule(|rule| rule.alpha = alpha)
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

    /// Sets the momentum: the fraction of the last velocity that is kept.
    ///
    /// # Panics
    /// If it is not at least 0 and less than 1.
    #[track_caller]
    pub fn momentum(self, momentum: f64) -> Self {
        check_decay("momentum", momentum);
        self.with_rule(|rule| rule.momentum = momentum)
    }

    /// Divides by the standard deviation of the gradient instead of its root mean square.
    pub fn centered(self) -> Self {
        self.with_rule(|rule| rule.centered = true)
    }
}

impl Rule for RmsPropRule {
    const LEARNING_RATE: f64 = 1e-2;

    fn state_names(&self) -> &'static [&'static str] {
        match (self.centered, self.momentum == 0.0) {
            (false, true) => &["v"],
            (false, false) => &["v", "b"],
            (true, true) => &["v", "a"],
            (true, false) => &["v", "a", "b"],
        }
    }

    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
        let mean = Mean::new(self.alpha);
        let [rate, epsilon, mu] = [step.learning_rate, self.epsilon, self.momentum].map(T::from_f64);
        match (self.centered, self.momentum == 0.0) {
            (false, true) => parameter.each(
                #[inline(always)]
                |w, g, [v]| {
                    let v = mean.of_square(v, g);
                    (w - rate * (g / (v.sqrt() + epsilon)), [v])
                },
            ),
            (false, false) => parameter.each(
                #[inline(always)]
                |w, g, [v, b]| {
                    let v = mean.of_square(v, g);
                    let b = mu * b + g / (v.sqrt() + epsilon);
                    (w - rate * b, [v, b])
                },
            ),
            (true, true) => parameter.each(
                #[inline(always)]
                |w, g, [v, a]| {
                    let (v, a) = (mean.of_square(v, g), mean.of(a, g));
                    (w - rate * (g / (deviation(v, a) + epsilon)), [v, a])
                },
            ),
            (true, false) => parameter.each(
                #[inline(always)]
                |w, g, [v, a, b]| {
                    let (v, a) = (mean.of_square(v, g), mean.of(a, g));
                    let b = mu * b + g / (deviation(v, a) + epsilon);
                    (w - rate * b, [v, a, b])
                },
            ),
        }
    }
}

/// `sqrt(v - a²)`, or 0 where rounding takes that below 0. Factored, since `a²` alone could
/// overflow.
#[inline(always)]
fn deviation<T: Scalar>(v: T, a: T) -> T {
    let root = v.sqrt();
    let variance = (root - a) * (root + a);
    if variance < T::ZERO { T::ZERO } else { variance.sqrt() } // NaN stays
}
