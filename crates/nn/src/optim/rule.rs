//! The update rule of an optimizer, for one parameter: every built-in optimizer is one.

use crate::optim::clip::clamp;
use std::fmt;
use unspool_autograd::{Scalar, Tensor};

/// The formula of an optimizer: how one parameter is updated from its gradient.
/// [`RuleOptimizer`](super::RuleOptimizer) calls it for each parameter of a model and does the
/// rest: learning rates, weight decay, clipping, and the state of each parameter.
///
/// A rule holds settings only. Polyak's heavy ball:
///
/// ```
/// use unspool::optim::{Parameter, Rule, RuleOptimizer, Step};
/// use unspool::prelude::*;
///
/// #[derive(Clone, Default)]
/// struct HeavyBall;
///
/// impl Rule for HeavyBall {
///     const LEARNING_RATE: f64 = 0.1;
///
///     fn state_names(&self) -> &'static [&'static str] {
///         &["velocity"]
///     }
///
///     fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
///         let (rate, momentum) = (T::from_f64(step.learning_rate), T::from_f64(0.9));
///         parameter.each(
///             #[inline(always)] // so that the loop becomes SIMD code
///             |w, g, [velocity]| {
///                 let velocity = momentum * velocity - rate * g;
///                 (w + velocity, [velocity])
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
    /// The default learning rate.
    const LEARNING_RATE: f64;
    /// The default [decoupled weight decay](super::RuleOptimizer::weight_decay).
    const WEIGHT_DECAY: f64 = 0.0;

    /// The names of the state tensors of each parameter. They have its shape and are zero before
    /// the first step.
    fn state_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// The names of the scalars of the state, and their values before the first step.
    fn scalars(&self) -> &'static [(&'static str, f64)] {
        &[]
    }

    /// Called at the beginning of step `t`, from 1: updates the scalars.
    fn begin_step(&self, t: usize, scalars: &mut [f64]) {
        let _ = (t, scalars);
    }

    /// Updates a parameter, with [`Parameter::each`].
    fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>);
}

/// The step of an update.
///
/// ```
/// use unspool::Scalar;
/// use unspool::optim::{Parameter, Rule, Step};
/// /// Follows a running mean of the gradient, corrected for starting at zero.
/// struct Smoothed;
/// impl Rule for Smoothed {
///     const LEARNING_RATE: f64 = 0.01;
///     fn state_names(&self) -> &'static [&'static str] {
///         &["m"]
///     }
///     fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
///         let rate = T::from_f64(step.learning_rate / step.correction(0.9));
///         let [beta, rest] = [0.9, 0.1].map(T::from_f64);
///         parameter.each(#[inline(always)] |w, g, [m]| {
///             let m = beta * m + rest * g;
///             (w - rate * m, [m])
///         });
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Step<'a> {
    /// The number of the step, from 1.
    pub t: usize,
    /// The learning rate of this step and parameter.
    pub learning_rate: f64,
    /// The scalars after [`Rule::begin_step`].
    pub scalars: &'a [f64],
}

impl Step<'_> {
    /// `1 - beta^t`: the factor by which a running mean that started at zero is too small.
    pub fn correction(&self, beta: f64) -> f64 {
        1.0 - beta.powi(i32::try_from(self.t).unwrap_or(i32::MAX))
    }
}

/// A parameter in one step: its weights, gradient and state, and what is applied before the rule.
///
/// ```
/// use unspool::Scalar;
/// use unspool::optim::{Parameter, Rule, Step};
/// /// The sign of the gradient (signSGD).
/// struct SignSgd;
/// impl Rule for SignSgd {
///     const LEARNING_RATE: f64 = 1e-3;
///     fn update<T: Scalar>(&self, step: Step<'_>, parameter: Parameter<'_, T>) {
///         let rate = T::from_f64(step.learning_rate);
///         parameter.each(#[inline(always)] |w, g, []| {
///             let sign = if g > T::ZERO { T::ONE } else if g < T::ZERO { -T::ONE } else { T::ZERO };
///             (w - rate * sign, [])
///         });
///     }
/// }
/// ```
pub struct Parameter<'a, T: Scalar> {
    pub(super) weight: &'a mut Tensor<T>,
    pub(super) gradient: &'a Tensor<T>,
    pub(super) states: &'a mut [Tensor<T>],
    /// Elements of the gradient are clipped to this absolute value.
    pub(super) largest: f64,
    /// The factor of the gradient.
    pub(super) scale: f64,
    /// The L2 penalty: this times the weight is added to the gradient.
    pub(super) l2: f64,
    /// The factor of the weight: 1 less its decay.
    pub(super) kept: f64,
}

impl<T: Scalar> fmt::Debug for Parameter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameter").field("shape", &self.weight.shape()).finish_non_exhaustive()
    }
}

impl<T: Scalar> Parameter<'_, T> {
    /// Replaces each weight `w` and its state, in the order of [`Rule::state_names`], by `f(w, g,
    /// state)`, in one pass over the memory. `g` is the gradient, clipped and with the L2 penalty;
    /// `w` has already decayed. Subnormal numbers of the state become 0.
    ///
    /// Write `#[inline(always)]` in front of the closure: without it the loop may stay scalar.
    ///
    /// # Panics
    /// If the closure takes another number of states than the rule names.
    #[track_caller]
    pub fn each<const N: usize>(self, f: impl Fn(T, T, [T; N]) -> (T, [T; N]) + Sync) {
        let Parameter { weight, gradient, states, .. } = self;
        let names = states.len();
        let Ok(states) = <&mut [Tensor<T>; N]>::try_from(states) else {
            fail!("update: the rule names {names} states, but its formula takes {N}");
        };
        let [largest, scale, l2, kept] = [self.largest, self.scale, self.l2, self.kept].map(T::from_f64);
        weight.zip_mut_with(
            states,
            gradient,
            #[inline(always)]
            |w, state, g| {
                let g = clamp(g, largest) * scale;
                // Not `g + 0 * w`: that would be NaN for an infinite weight.
                let (w, state) = f(w * kept, if l2 == T::ZERO { g } else { g + l2 * w }, state);
                // A running mean decays where gradients have become 0, until processors are slow to compute with it.
                let state = std::array::from_fn(
                    #[inline(always)]
                    |i| state[i].flush(T::SMALLEST_NORMAL),
                );
                (w, state)
            },
        );
    }
}
