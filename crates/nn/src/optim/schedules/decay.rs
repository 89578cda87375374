//! Constant learning rates, and ones that fall by factors.

use super::Schedule;

/// The factor 1: a constant learning rate.
///
/// ```
/// use unspool::optim::schedules::{Constant, Schedule};
/// assert_eq!(Constant.factor(1000), 1.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Constant;

impl Schedule for Constant {
    fn factor(&self, _: usize) -> f64 {
        1.0
    }
}

/// `gamma^floor(step / every)`: the learning rate falls by a factor every `every` steps.
///
/// ```
/// use unspool::optim::schedules::{Schedule, StepDecay};
/// let schedule = StepDecay::new(3, 0.5);
/// assert_eq!([0, 2, 3, 6].map(|step| schedule.factor(step)), [1.0, 1.0, 0.5, 0.25]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepDecay {
    every: usize,
    gamma: f64,
}

impl StepDecay {
    /// Multiplies the rate by `gamma` every `every` steps.
    ///
    /// # Panics
    /// If `every` is 0, or `gamma` is negative or not finite.
    #[track_caller]
    pub fn new(every: usize, gamma: f64) -> Self {
        ensure!(every > 0, "StepDecay: every is 0; it must be at least 1");
        check_gamma("StepDecay", gamma);
        StepDecay { every, gamma }
    }
}

impl Schedule for StepDecay {
    fn factor(&self, step: usize) -> f64 {
        self.gamma.powf((step / self.every) as f64)
    }
}

/// `gamma^step`.
///
/// ```
/// use unspool::optim::schedules::{Exponential, Schedule};
/// assert_eq!([0, 1, 3].map(|step| Exponential::new(0.5).factor(step)), [1.0, 0.5, 0.125]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    gamma: f64,
}

impl Exponential {
    /// Multiplies the rate by `gamma` after every step.
    ///
    /// # Panics
    /// If `gamma` is negative or not finite.
    #[track_caller]
    pub fn new(gamma: f64) -> Self {
        check_gamma("Exponential", gamma);
        Exponential { gamma }
    }
}

impl Schedule for Exponential {
    fn factor(&self, step: usize) -> f64 {
        self.gamma.powf(step as f64)
    }
}

#[track_caller]
fn check_gamma(schedule: &str, gamma: f64) {
    ensure!(gamma >= 0.0 && gamma.is_finite(), "{schedule}: gamma is {gamma}; it must be finite and not negative");
}
