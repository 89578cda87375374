//! Schedules of the learning rate: by what it is multiplied in each step.
//!
//! A schedule is a function of the number of optimiser steps done, so a training that is resumed needs to know nothing but
//! that number. Any closure is one: `|step: usize| 1.0 / (1.0 + 0.01 * step as f64)`. [`Plateau`] depends on how the
//! training goes, and stands beside the schedule.
//!
//! | | in steps of the optimiser | PyTorch |
//! |---|---|---|
//! | [`Constant`] | 1 | |
//! | [`StepDecay`] | falls by a factor every so many | `StepLR` |
//! | [`Exponential`] | falls by a factor in every one | `ExponentialLR` |
//! | [`Cosine`] | rises in a line, falls as a cosine | `LinearLR`, `CosineAnnealingLR` |
//! | [`OneCycle`] | rises and falls as cosines | `OneCycleLR` |
//! | [`Plateau`] | falls by a factor when a metric no longer does | `ReduceLROnPlateau` |
//!
//! ```
//! use unspool_nn::optim::schedules::{Cosine, OneCycle, Plateau, StepDecay};
//! use unspool_nn::optim::{Adam, Sgd};
//! let by_steps: Sgd = Sgd::default().learning_rate(0.1).schedule(StepDecay::new(1000, 0.5));
//! let in_one_cycle: Adam = Adam::default().learning_rate(1e-2).schedule(OneCycle::new(2000));
//! let by_hand: Adam = Adam::default().schedule(|step: usize| if step < 100 { 0.1 } else { 1.0 });
//! let by_metric: Adam = Adam::default().schedule(Cosine::new(500)).reduce_on_plateau(Plateau::new().patience(3));
//! assert_eq!(by_hand.current_learning_rate(), 0.1 * 1e-3);
//! ```

mod cosine;
mod decay;
mod one_cycle;
mod plateau;

pub use cosine::Cosine;
pub use decay::{Constant, Exponential, StepDecay};
pub use one_cycle::OneCycle;
pub use plateau::Plateau;

/// By what the learning rate is multiplied.
pub trait Schedule: Send + Sync {
    /// The factor of the step after `step` steps: that of the first one is `factor(0)`.
    fn factor(&self, step: usize) -> f64;
}

impl<F: Fn(usize) -> f64 + Send + Sync> Schedule for F {
    fn factor(&self, step: usize) -> f64 {
        self(step)
    }
}

/// Goes from `from` at 0 to `to` at 1 along half a period of a cosine.
fn cosine(from: f64, to: f64, part: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (std::f64::consts::PI * part).cos())
}
