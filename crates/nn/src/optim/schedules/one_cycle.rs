//! The one-cycle schedule.

use super::{Schedule, cosine};

/// Rises along a cosine from 1/25 to 1 during the first 30% of the steps, then falls along a cosine
/// to a 10,000th of its initial value.
///
/// With `S` steps, the rise ends at step `0.3 S - 1` (from 0, not rounded) and the fall at `S - 1`,
/// as in PyTorch's `OneCycleLR` with `cycle_momentum=False`; after that the factor stays.
///
/// Smith and Topin 2018, "Super-convergence: very fast training of neural networks using large
/// learning rates", with PyTorch's defaults. The optimizer's learning rate is the maximum.
///
/// ```
/// use unspool::optim::schedules::{OneCycle, Schedule};
/// let schedule = OneCycle::new(100);
/// for (step, expected) in [(0, 1.0 / 25.0), (29, 1.0), (99, 1.0 / 25.0 / 1e4), (700, 1.0 / 25.0 / 1e4)] {
///     assert!((schedule.factor(step) - expected).abs() < 1e-12);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    steps: usize,
    rise: f64,
    start: f64,
    end: f64,
}

impl OneCycle {
    /// One cycle of `steps` steps.
    ///
    /// # Panics
    /// If there are none.
    #[track_caller]
    pub fn new(steps: usize) -> Self {
        ensure!(steps > 0, "OneCycle: steps is 0; it must be at least 1");
        OneCycle { steps, rise: 0.3, start: 1.0 / 25.0, end: 1.0 / 25.0 / 1e4 }
    }

    /// Sets the fraction of the steps in which the learning rate rises.
    ///
    /// # Panics
    /// If it is not between 0 and 1.
    #[track_caller]
    pub fn rise(self, fraction: f64) -> Self {
        ensure!((0.0..=1.0).contains(&fraction), "OneCycle: the rise is {fraction}; it must be between 0 and 1");
        OneCycle { rise: fraction, ..self }
    }

    /// Sets the factors of the first step and of the last. (PyTorch takes `div_factor`, 1 over the
    /// first, and `final_div_factor`, the first over the last.)
    ///
    /// # Panics
    /// If one is not between 0 and 1.
    #[track_caller]
    pub fn ends(self, first: f64, last: f64) -> Self {
        for end in [first, last] {
            ensure!((0.0..=1.0).contains(&end), "OneCycle: a factor is {end}; it must be between 0 and 1");
        }
        OneCycle { start: first, end: last, ..self }
    }
}

impl Schedule for OneCycle {
    fn factor(&self, step: usize) -> f64 {
        let (top, last) = (self.rise * self.steps as f64 - 1.0, (self.steps - 1) as f64);
        let step = (step as f64).min(last);
        if step < top {
            cosine(self.start, 1.0, step / top)
        } else if top < last {
            cosine(1.0, self.end, (step - top) / (last - top))
        } else {
            1.0 // the rise took all steps
        }
    }
}
