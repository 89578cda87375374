//! The optimizer Nadam.

use super::running_mean::Mean;
use super::{Parameter, Rule, RuleOptimizer, Step, check_amount};
use unspool_autograd::Scalar;

/// Nadam: [`Adam`](super::Adam) with Nesterov momentum, which grows from step to step,
///
/// ```text
/// mu_t = beta1 (1 - 0.5 · 0.96^(t momentum_decay))           p_t = mu_1 mu_2 .. mu_t
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g²
/// m' = mu_(t+1) m / (1 - p_(t+1)) + (1 - mu_t) g / (1 - p_t)
/// w = w - lr m' / (sqrt(v / (1 - beta2^t)) + epsilon)
/// ```
///
/// Dozat 2016, "Incorporating Nesterov momentum into Adam", algorithm 2, in PyTorch's form. The
/// defaults are PyTorch's: learning rate 0.002, betas 0.9 and 0.999, epsilon 1e-8, momentum_decay
/// 0.004.
///
/// ```
/// use unspool::optim::Nadam;
/// use unspool::{Dense, Optimizer, ParamsExt, Tensor};
/// let mut model = Dense::<Tensor> { weight: Tensor::ones([2, 1]), bias: Tensor::ones([1]) };
/// let mut nadam = Nadam::default().learning_rate(0.05);
/// for _ in 0..100 {
///     let gradients = Dense { weight: model.weight.clone(), bias: model.bias.clone() }; // of half the squares
///     nadam.step(&mut model, &gradients);
/// }
/// assert!(model.leaves().iter().all(|leaf| leaf.to_vec().iter().all(|w| w.abs() < 0.05)));
/// ```
pub type Nadam<T = f32> = RuleOptimizer<NadamRule, T>;

/// The rule of [`Nadam`].
///
/// ```
/// use unspool::optim::{Nadam, NadamRule, RuleOptimizer};
/// let nadam: Nadam = RuleOptimizer::new(NadamRule::default()); // the same as Nadam::default()
/// assert_eq!(nadam.current_learning_rate(), Nadam::<f32>::default().current_learning_rate());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NadamRule {
    betas: (f64, f64),
    epsilon: f64,
    momentum_decay: f64,
}

impl Default for NadamRule {
    fn default() -> Self {
        NadamRule { betas: (0.9, 0.999), epsilon: 1e-8, momentum_decay: 4e-3 }
    }
}

impl NadamRule {
    /// The momentum of step `t`.
    fn momentum(&self, t: usize) -> f64 {
        self.betas.0 * (1.0 - 0.5 * 0.96f64.powf(t as f64 * self.momentum_decay))
    }
}

impl<T: Scalar> Nadam<T> {
    /// Sets how fast the momentum grows.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn momentum_decay(self, decay: f64) -> Self {
        check_amount("momentum_decay", decay);
        self.with_rule(|rule| rule.momentum_decay = decay)
    }
}

super::betas_and_epsilon!(Nadam, rule);

impl Rule for NadamRule {
    const LEARNING_RATE: f64 = 2e-3;

    fn state_names(&self) -> &'static [&'static str] {
        &["m", "v"]
    }

    fn scalars(&self) -> &'static [(&'static str, f64)] {
        &[("p", 1.0)]
    }

    fn begin_step(&self, t: usize, scalars: &mut [f64]) {
        scalars[0] *= self.momentum(t);
    }

    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
        let (first, second) = (Mean::new(self.betas.0), Mean::new(self.betas.1));
        let (mu, next, p) = (self.momentum(step.t), self.momentum(step.t + 1), step.scalars[0]);
        let root = step.correction(second.beta).sqrt();
        let [by_m, by_g] =
            [next / (1.0 - p * next), (1.0 - mu) / (1.0 - p)].map(|part| T::from_f64(step.learning_rate * root * part));
        let epsilon = T::from_f64(root * self.epsilon);
        parameter.each(
            #[inline(always)]
            |w, g, [m, v]| {
                let (m, v) = (first.of(m, g), second.of_square(v, g));
                (w - (by_m * m + by_g * g) / (v.sqrt() + epsilon), [m, v])
            },
        );
    }
}
