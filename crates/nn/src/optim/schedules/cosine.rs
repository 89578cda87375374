//! Cosine decay, with a linear warmup before it.

use super::{Schedule, cosine};

/// Falls from 1 along half a period of a cosine, after a linear [`warmup`](Cosine::warmup) if one
/// is set.
///
/// With `W` warmup steps, `S` steps in total and the floor `e`,
///
/// ```text
/// (t + 1) / (W + 1)                                        for t < W
/// e + (1 - e) (1 + cos(pi (t - W) / (S - W))) / 2          for W <= t <= S
/// e                                                        for t > S
/// ```
///
/// Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", equation 5,
/// without restarts.
///
/// ```
/// use unspool::optim::schedules::{Cosine, Schedule};
/// let schedule = Cosine::new(10).warmup(4).floor(0.1);
/// let factors = [0, 3, 4, 7, 10, 99].map(|step| schedule.factor(step));
/// for (factor, expected) in factors.into_iter().zip([0.2, 0.8, 1.0, 0.55, 0.1, 0.1]) {
///     assert!((factor - expected).abs() < 1e-12);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cosine {
    steps: usize,
    warmup: usize,
    floor: f64,
}

impl Cosine {
    /// A fall to 0 over `steps` steps.
    ///
    /// # Panics
    /// If there are none.
    #[track_caller]
    pub fn new(steps: usize) -> Self {
        ensure!(steps > 0, "Cosine: steps is 0; it must be at least 1");
        Cosine { steps, warmup: 0, floor: 0.0 }
    }

    /// Sets a linear warmup over the first `steps` of the steps given to [`new`](Cosine::new).
    ///
    /// # Panics
    /// If they are not fewer.
    #[track_caller]
    pub fn warmup(self, steps: usize) -> Self {
        ensure!(steps < self.steps, "Cosine: {steps} warmup steps of {} leave none for the decay", self.steps);
        Cosine { warmup: steps, ..self }
    }

    /// Sets the final factor.
    ///
    /// # Panics
    /// If it is not between 0 and 1.
    #[track_caller]
    pub fn floor(self, floor: f64) -> Self {
        ensure!((0.0..=1.0).contains(&floor), "Cosine: the floor is {floor}; it must be between 0 and 1");
        Cosine { floor, ..self }
    }
}

impl Schedule for Cosine {
    fn factor(&self, step: usize) -> f64 {
        if step < self.warmup {
            return (step + 1) as f64 / (self.warmup + 1) as f64;
        }
        let fallen = step.min(self.steps) - self.warmup;
        cosine(1.0, self.floor, fallen as f64 / (self.steps - self.warmup) as f64)
    }
}
