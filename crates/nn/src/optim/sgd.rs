//! Stochastic gradient descent.

use super::{Parameter, Rule, RuleOptimizer, Step, check_decay};
use unspool_autograd::Scalar;

/// Stochastic gradient descent: `w = w - lr g`; with momentum `mu`,
///
/// ```text
/// b = mu b + (1 - dampening) g          in the first step: b = g
/// w = w - lr b                        Nesterov: w = w - lr (g + mu b)
/// ```
///
/// Robbins and Monro 1951, "A stochastic approximation method"; momentum and Nesterov momentum in
/// PyTorch's form, after Sutskever et al. 2013, "On the importance of initialization and momentum
/// in deep learning". The defaults are a learning rate of 0.001 and no momentum.
///
/// ```
/// use unspool::prelude::*;
/// let train = Dataset::new(Tensor::<f32>::ones([32, 2]), Tensor::ones([32, 1]))?;
/// let mut model = sequential().add(dense(2, 1));
/// let sgd = Sgd::default().learning_rate(0.05).momentum(0.9).nesterov();
/// let history = fit(&mut model, &train).loss(mse).optimizer(sgd).epochs(60).quiet().run()?;
/// assert!(history.loss[59] < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Sgd<T = f32> = RuleOptimizer<SgdRule, T>;

/// The rule of [`Sgd`].
///
/// ```
/// use unspool::optim::{Sgd, SgdRule, RuleOptimizer};
/// let sgd: Sgd = RuleOptimizer::new(SgdRule::default()); // the same as Sgd::default()
/// assert_eq!(sgd.current_learning_rate(), Sgd::<f32>::default().current_learning_rate());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SgdRule {
    momentum: f64,
    dampening: f64,
    nesterov: bool,
}

impl<T: Scalar> Sgd<T> {
    /// Sets the momentum: the fraction of the last velocity that is kept.
    ///
    /// # Panics
    /// If it is not at least 0 and less than 1.
    #[track_caller]
    pub fn momentum(self, momentum: f64) -> Self {
        check_decay("momentum", momentum);
        self.with_rule(|rule| rule.momentum = momentum)
    }

    /// Sets the dampening: the fraction of each gradient after the first that is left out of the
    /// velocity. A dampening equal to the momentum makes `b` a running mean. No effect without
    /// [`momentum`](Sgd::momentum).
    ///
    /// # Panics
    /// If it is not at least 0 and less than 1, or with [`nesterov`](Sgd::nesterov).
    #[track_caller]
    pub fn dampening(self, dampening: f64) -> Self {
        check_decay("dampening", dampening);
        self.with_rule(|rule| rule.dampening = dampening).checked()
    }

    /// Uses Nesterov momentum. No effect without [`momentum`](Sgd::momentum).
    ///
    /// # Panics
    /// If there is [`dampening`](Sgd::dampening).
    #[track_caller]
    pub fn nesterov(self) -> Self {
        self.with_rule(|rule| rule.nesterov = true).checked()
    }

    #[track_caller]
    fn checked(self) -> Self {
        let SgdRule { dampening, nesterov, .. } = self.rule;
        ensure!(!nesterov || dampening == 0.0, "Sgd: dampening is {dampening}; Nesterov momentum requires 0");
        self
    }
}

impl Rule for SgdRule {
    const LEARNING_RATE: f64 = 1e-3;

    fn state_names(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["b"] }
    }

    #[inline(never)]
    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
        let part = if step.t == 1 { 1.0 } else { 1.0 - self.dampening };
        let [rate, mu, part] = [step.learning_rate, self.momentum, part].map(T::from_f64);
        match (self.momentum, self.nesterov) {
            (0.0, _) => parameter.each(
                #[inline(always)]
                |w, g, []| (w - rate * g, []),
            ),
            (_, false) => parameter.each(
                #[inline(always)]
                |w, g, [b]| {
                    let b = mu * b + part * g;
                    (w - rate * b, [b])
                },
            ),
            (_, true) => parameter.each(
                #[inline(always)]
                |w, g, [b]| {
                    let b = mu * b + g;
                    (w - rate * (g + mu * b), [b])
                },
            ),
        }
    }
}
