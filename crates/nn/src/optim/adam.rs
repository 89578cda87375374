//! The optimizer Adam.

use super::running_mean::Mean;
use super::{Parameter, Rule, RuleOptimizer, Step, larger};
use unspool_autograd::Scalar;

/// Adam: `m` and `v` are running means of the gradient and of its square, both corrected for
/// starting at zero,
///
/// ```text
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g²
/// w = w - lr c m / (sqrt(v) + epsilon)        c = sqrt(1 - beta2^t) / (1 - beta1^t)
/// ```
///
/// Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1, in the form at
/// the end of section 2, where epsilon is added to the uncorrected `sqrt(v)`, as in Keras. The
/// defaults are Keras's: learning rate 0.001, betas 0.9 and 0.999, epsilon 1e-7.
/// [`Adam::torch()`](Adam::torch) is algorithm 1 itself, as in PyTorch.
///
/// ```
/// use unspool::prelude::*;
///
/// let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 2, 1);
/// let mut adam = Adam::default().learning_rate(0.1);
/// let mut tape = Tape::new();
/// for _ in 0..100 {
///     let net = tape.bind(&model);
///     let gradients = (net.weight.square().sum() + net.bias.square().sum()).backward().of(&net);
///     tape.reset();
///     adam.step(&mut model, &gradients);
/// }
/// assert!(model.weight.at([0, 0]).abs() < 1e-2);
/// ```
pub type Adam<T = f32> = RuleOptimizer<AdamRule, T>;

/// The rule of [`Adam`].
///
/// ```
/// use unspool::optim::{Adam, AdamRule, RuleOptimizer};
/// let adam: Adam = RuleOptimizer::new(AdamRule::default()); // the same as Adam::default()
/// assert_eq!(adam.current_learning_rate(), Adam::<f32>::default().current_learning_rate());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdamRule {
    pub(super) betas: (f64, f64),
    pub(super) epsilon: f64,
    /// Whether epsilon is added to the corrected `sqrt(v)`.
    pub(super) corrected: bool,
    /// Whether to divide by the largest `v` so far instead of `v`.
    pub(super) amsgrad: bool,
}

impl Default for AdamRule {
    fn default() -> Self {
        AdamRule { betas: (0.9, 0.999), epsilon: 1e-7, corrected: false, amsgrad: false }
    }
}

impl AdamRule {
    /// PyTorch's settings.
    pub(super) fn torch() -> Self {
        AdamRule { betas: (0.9, 0.999), epsilon: 1e-8, corrected: true, amsgrad: false }
    }
}

impl<T: Scalar> Adam<T> {
    /// Adam as in PyTorch: epsilon, 1e-8, is added to the corrected `sqrt(v / (1 - beta2^t))`. In
    /// the formula above it is therefore multiplied by `sqrt(1 - beta2^t)`, which is 0.03 in the
    /// first step.
    pub fn torch() -> Self {
        RuleOptimizer::new(AdamRule::torch())
    }

    /// Divides by the root of the largest `v` so far, `u = max(u, v)`, instead of `v`: steps never
    /// grow because large gradients fade from the mean.
    ///
    /// Reddi, Kale and Kumar 2018, "On the convergence of Adam and beyond" (AMSGrad), in the form
    /// of PyTorch and Keras.
    pub fn amsgrad(self) -> Self {
        self.with_rule(|rule| rule.amsgrad = true)
    }
}

super::betas_and_epsilon!(Adam, rule);

impl Rule for AdamRule {
    const LEARNING_RATE: f64 = 1e-3;

    fn state_names(&self) -> &'static [&'static str] {
        if self.amsgrad { &["m", "v", "u"] } else { &["m", "v"] }
    }

    #[inline(never)]
    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
        let (first, second) = (Mean::new(self.betas.0), Mean::new(self.betas.1));
        let root = step.correction(second.beta).sqrt();
        let rate = T::from_f64(step.learning_rate * (root / step.correction(first.beta)));
        let epsilon = T::from_f64(if self.corrected { root * self.epsilon } else { self.epsilon });
        if self.amsgrad {
            parameter.each(
                #[inline(always)]
                |w, g, [m, v, u]| {
                    let (m, v) = (first.of(m, g), second.of_square(v, g));
                    let u = larger(u, v);
                    (w - rate * (m / (u.sqrt() + epsilon)), [m, v, u])
                },
            );
        } else {
            parameter.each(
                #[inline(always)]
                |w, g, [m, v]| {
                    let (m, v) = (first.of(m, g), second.of_square(v, g));
                    (w - rate * (m / (v.sqrt() + epsilon)), [m, v])
                },
            );
        }
    }
}
