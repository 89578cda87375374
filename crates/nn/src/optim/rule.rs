//! How one parameter changes by its gradient: the door through which every optimiser goes.

use crate::optim::clip::clamp;
use unspool_autograd::{Scalar, Tensor};

/// The formula of an optimiser: how one parameter changes by its gradient. [`RuleOptimizer`](super::RuleOptimizer) calls it for each
/// parameter of a model, and does the rest: rates, weight decay, clipping, and keeping what is remembered.
///
/// A rule holds settings only. The rule of Polyak's heavy ball, whole:
///
/// ```
/// use unspool_autograd::{Scalar, Tensor};
/// use unspool_nn::optim::{RuleOptimizer, Parameter, Rule, Step};
/// use unspool_nn::rng;
/// use unspool_nn::layers::Dense;
/// use unspool_nn::optim::Optimizer;
///
/// #[derive(Clone, Default)]
/// struct HeavyBall;
///
/// impl Rule for HeavyBall {
///     const LEARNING_RATE: f64 = 0.1;
///
///     fn state_names(&self) -> &'static [&'static str] {
///         &["speed"]
///     }
///
///     fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
///         let (rate, keep) = (T::from_f64(step.learning_rate), T::from_f64(0.9));
///         parameter.each(
///             #[inline(always)] // makes SIMD code of it
///             |w, g, [speed]| {
///                 let speed = keep * speed - rate * g;
///                 (w + speed, [speed])
///             },
///         );
///     }
/// }
///
/// let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 2, 1);
/// let gradients = Dense { weight: Tensor::zeros([2, 1]), bias: Tensor::ones([1]) };
/// let mut ball = RuleOptimizer::new(HeavyBall).group("bias", |g| g.lr_scale(0.5));
/// ball.step(&mut model, &gradients);
/// ball.step(&mut model, &gradients);
/// assert!((model.bias.at([0]) - (-0.05 - 0.095)).abs() < 1e-6);
/// ```
pub trait Rule {
    /// The learning rate, unless told otherwise.
    const LEARNING_RATE: f64;
    /// The [decoupled weight decay](super::RuleOptimizer::weight_decay), unless told otherwise.
    const WEIGHT_DECAY: f64 = 0.0;

    /// The names of the tensors that are remembered for each parameter. They have its shape and are zero before the first
    /// step.
    fn state_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// The names of the numbers that are remembered, and what they are before the first step.
    fn scalars(&self) -> &'static [(&'static str, f64)] {
        &[]
    }

    /// Called at the beginning of step `t`, from 1: changes the numbers.
    fn begin_step(&self, t: usize, numbers: &mut [f64]) {
        let _ = (t, numbers);
    }

    /// Changes a parameter, by [`Parameter::each`].
    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>);
}

/// Where a training stands.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The number of the step, from 1.
    pub t: usize,
    /// The learning rate of this step and parameter.
    pub learning_rate: f64,
    /// What [`Rule::begin_step`] made of the numbers.
    pub scalars: &'a [f64],
}

impl Step<'_> {
    /// `1 - beta^t`: what a running mean that started from zero is too small by.
    pub fn correction(&self, beta: f64) -> f64 {
        1.0 - beta.powi(i32::try_from(self.t).unwrap_or(i32::MAX))
    }
}

/// A parameter in one step: its weights, its gradient, what is remembered of it, and what happens to them before the rule.
pub struct Parameter<'a, T: Scalar> {
    pub(super) weight: &'a mut Tensor<T>,
    pub(super) gradient: &'a Tensor<T>,
    pub(super) states: &'a mut [Tensor<T>],
    /// The largest element of the gradient that is let through.
    pub(super) largest: f64,
    /// By what the gradient is multiplied.
    pub(super) scale: f64,
    /// What part of the weight is added to the gradient.
    pub(super) l2: f64,
    /// What is left of the weight after its decay.
    pub(super) kept: f64,
}

impl<T: Scalar> Parameter<'_, T> {
    /// Replaces each weight `w`, and what is remembered of it in the order of [`Rule::state_names`], by `f(w, g, remembered)`:
    /// one pass over the memory. `g` is its gradient, clipped and with the L2 penalty; `w` has already decayed.
    ///
    /// Write `#[inline(always)]` before the closure, as an argument: without it the loop may stay scalar.
    ///
    /// # Panics
    /// If the closure takes another number of remembered elements than the rule has names for.
    #[track_caller]
    pub fn each<const N: usize>(self, f: impl Fn(T, T, [T; N]) -> (T, [T; N])) {
        let Parameter { weight, gradient, states, .. } = self;
        let names = states.len();
        let Ok(states) = <&mut [Tensor<T>; N]>::try_from(states) else {
            panic!("update: the rule names {names} states, and its formula takes {N}");
        };
        let [largest, scale, l2, kept] = [self.largest, self.scale, self.l2, self.kept].map(T::from_f64);
        weight.zip_mut_with(
            states,
            gradient,
            #[inline(always)]
            |w, remembered, g| {
                let g = clamp(g, largest) * scale;
                // Without a penalty, an infinite weight does not make NaN of it.
                f(w * kept, if l2 == T::ZERO { g } else { g + l2 * w }, remembered)
            },
        );
    }
}
