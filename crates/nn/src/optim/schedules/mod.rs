//! Learning rate schedules: the factor of the learning rate in each step.
//!
//! A schedule is a function of the number of optimizer steps done, so that number is all a resumed
//! training needs. Any closure is a schedule: `|step: usize| 1.0 / (1.0 + 0.01 * step as f64)`.
//! [`Plateau`] depends on a metric, and multiplies the schedule.
//!
//! | schedule | factor | PyTorch |
//! |---|---|---|
//! | [`Constant`] | 1 | |
//! | [`StepDecay`] | falls by a factor every n steps | `StepLR` |
//! | [`Exponential`] | falls by a factor every step | `ExponentialLR` |
//! | [`Cosine`] | linear warmup, then a cosine | `LinearLR`, `CosineAnnealingLR` |
//! | [`OneCycle`] | rises and falls as cosines | `OneCycleLR` |
//! | [`Plateau`] | falls by a factor when a metric stops improving | `ReduceLROnPlateau` |
//!
//! ```
//! use unspool::optim::schedules::{Cosine, OneCycle, Plateau, StepDecay};
//! use unspool::{Adam, Sgd};
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

/// A learning rate schedule.
///
/// ```
/// use unspool::Adam;
/// use unspool::optim::schedules::Schedule;
/// /// 1 / sqrt(step), after a linear warmup.
/// struct InverseRoot { warmup: f64 }
/// impl Schedule for InverseRoot {
///     fn factor(&self, step: usize) -> f64 {
///         let step = (step + 1) as f64;
///         (step / self.warmup).min((self.warmup / step).sqrt())
///     }
/// }
/// let adam: Adam = Adam::default().schedule(InverseRoot { warmup: 400.0 });
/// assert_eq!(adam.current_learning_rate(), 1e-3 / 400.0);
/// ```
pub trait Schedule: Send + Sync {
    /// The factor of the learning rate in the step after `step` steps: that of the first step is
    /// `factor(0)`.
    fn factor(&self, step: usize) -> f64;
}

impl<F: Fn(usize) -> f64 + Send + Sync> Schedule for F {
    fn factor(&self, step: usize) -> f64 {
        self(step)
    }
}

/// From `from` at 0 to `to` at 1 along half a period of a cosine.
fn cosine(from: f64, to: f64, fraction: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (std::f64::consts::PI * fraction).cos())
}
