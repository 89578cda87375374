//! Reducing the learning rate when a metric stops improving.

use crate::optim::state_dict::{StateDict, StateReader};
use unspool_autograd::Scalar;

/// Multiplies the learning rate by a factor whenever a metric has not improved for more than
/// `patience` observations.
///
/// An improvement is below `best - margin`, or above `best + margin` with
/// [`maximize`](Plateau::maximize); the margin is a [fraction](Plateau::threshold) of `|best|`, or
/// [absolute](Plateau::absolute_threshold).
///
/// As PyTorch's `ReduceLROnPlateau`, with its defaults: factor 0.1, patience 10, threshold 0.0001
/// of the best value, cooldown 0. Three things differ: the minimum is a factor and not a learning
/// rate; there is no minimal change (its `eps`); and the margin is that of `|best|`. PyTorch's
/// `best (1 - threshold)` is worse than a negative `best`, so that a metric that stays at -1 never
/// counts as a plateau.
///
/// An optimizer takes it with
/// [`reduce_on_plateau`](crate::optim::RuleOptimizer::reduce_on_plateau), and
/// [`fit`](crate::train::fit) passes it the validation loss of each epoch.
///
/// ```
/// use unspool::optim::schedules::Plateau;
/// let mut plateau = Plateau::new().factor(0.5).patience(1);
/// let factors = [3.0, 2.0, 2.0, 2.0, 1.0, f64::NAN].map(|loss| {
///     plateau.observe(loss);
///     plateau.current_factor()
/// });
/// assert_eq!(factors, [1.0, 1.0, 1.0, 0.5, 0.5, 0.5]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plateau {
    factor: f64,
    patience: usize,
    threshold: Threshold,
    cooldown: usize,
    min_factor: f64,
    maximize: bool,
    /// The best value so far, if there is one.
    best: Option<f64>,
    /// Consecutive observations without improvement.
    bad: usize,
    /// Remaining observations of the cooldown, which do not count.
    pause: usize,
    current_factor: f64,
}

/// The smallest change that counts as an improvement.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Threshold {
    /// A fraction of the absolute value of the best value.
    Relative(f64),
    /// An amount.
    Absolute(f64),
}

impl Default for Plateau {
    fn default() -> Self {
        Plateau {
            factor: 0.1,
            patience: 10,
            threshold: Threshold::Relative(1e-4),
            cooldown: 0,
            min_factor: 0.0,
            maximize: false,
            best: None,
            bad: 0,
            pause: 0,
            current_factor: 1.0,
        }
    }
}

impl Plateau {
    /// PyTorch's defaults.
    pub fn new() -> Self {
        Plateau::default()
    }

    /// Sets the factor of a reduction (PyTorch's `factor`).
    ///
    /// # Panics
    /// If it is not at least 0 and less than 1.
    #[track_caller]
    pub fn factor(self, factor: f64) -> Self {
        ensure!((0.0..1.0).contains(&factor), "Plateau: the factor is {factor}; it must be at least 0 and less than 1");
        Plateau { factor, ..self }
    }

    /// Sets the number of consecutive observations without improvement that are tolerated.
    pub fn patience(self, patience: usize) -> Self {
        Plateau { patience, ..self }
    }

    /// Sets the smallest improvement as a fraction of the absolute value of the best value.
    /// Replaces [`absolute_threshold`](Plateau::absolute_threshold).
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn threshold(self, threshold: f64) -> Self {
        check_threshold(threshold);
        Plateau { threshold: Threshold::Relative(threshold), ..self }
    }

    /// Sets the smallest improvement as an amount (PyTorch's `threshold_mode='abs'`): for metrics
    /// that come close to 0, where a fraction of the best value is tiny. Replaces
    /// [`threshold`](Plateau::threshold).
    ///
    /// ```
    /// use unspool::optim::schedules::Plateau;
    /// let mut plateau = Plateau::new().absolute_threshold(0.1).patience(1);
    /// [-1.0, -1.05, -1.09].map(|log_likelihood| plateau.observe(log_likelihood));
    /// assert_eq!(plateau.current_factor(), 0.1);
    /// ```
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[track_caller]
    pub fn absolute_threshold(self, threshold: f64) -> Self {
        check_threshold(threshold);
        Plateau { threshold: Threshold::Absolute(threshold), ..self }
    }

    /// Sets the number of observations after a reduction that do not count.
    pub fn cooldown(self, cooldown: usize) -> Self {
        Plateau { cooldown, ..self }
    }

    /// Sets the lowest factor (PyTorch's `min_lr` over the learning rate).
    ///
    /// # Panics
    /// If it is not between 0 and 1.
    #[track_caller]
    pub fn min_factor(self, min_factor: f64) -> Self {
        ensure!((0.0..=1.0).contains(&min_factor), "Plateau: min_factor is {min_factor}; it must be between 0 and 1");
        Plateau { min_factor, ..self }
    }

    /// Higher is better, as for an accuracy.
    pub fn maximize(self) -> Self {
        Plateau { maximize: true, ..self }
    }

    /// Discards everything except the settings.
    pub(crate) fn reset(&mut self) {
        (self.best, self.bad, self.pause, self.current_factor) = (None, 0, 0, 1.0);
    }

    /// The factor of the learning rate now.
    pub fn current_factor(&self) -> f64 {
        self.current_factor
    }

    /// The best value before there is one.
    fn worst(&self) -> f64 {
        if self.maximize { f64::NEG_INFINITY } else { f64::INFINITY }
    }

    /// The smallest improvement on `best`.
    fn margin(&self, best: f64) -> f64 {
        match self.threshold {
            Threshold::Relative(fraction) => fraction * best.abs(),
            Threshold::Absolute(amount) => amount,
        }
    }

    /// Observes a value of the metric. NaN is never an improvement, and neither is the worst
    /// infinity.
    pub fn observe(&mut self, metric: f64) {
        let better = match self.best {
            None => !metric.is_nan() && metric != self.worst(),
            Some(best) if self.maximize => metric > best + self.margin(best),
            Some(best) => metric < best - self.margin(best),
        };
        if better {
            self.best = Some(metric);
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.pause > 0 {
            self.pause -= 1;
            self.bad = 0;
        }
        if self.bad > self.patience {
            self.current_factor = (self.current_factor * self.factor).max(self.min_factor);
            (self.pause, self.bad) = (self.cooldown, 0);
        }
    }

    /// The state.
    pub(crate) fn state_dict<T: Scalar>(&self) -> StateDict<T> {
        let mut state = StateDict::new();
        for (name, number) in [
            ("best", self.best.unwrap_or(self.worst())),
            ("bad", self.bad as f64),
            ("pause", self.pause as f64),
            ("factor", self.current_factor),
        ] {
            state.numbers.insert(name.into(), number);
        }
        state
    }

    /// Loads the state.
    pub(crate) fn read<T: Scalar>(&mut self, prefix: &str, reader: &mut StateReader<'_, T>) {
        let worst = self.worst();
        self.best = reader.number(&format!("{prefix}.best")).filter(|best| *best != worst);
        self.bad = reader.count(&format!("{prefix}.bad")).unwrap_or_default();
        self.pause = reader.count(&format!("{prefix}.pause")).unwrap_or_default();
        let factor =
            reader.number_that(&format!("{prefix}.factor"), "a number between 0 and 1", |f| (0.0..=1.0).contains(&f));
        self.current_factor = factor.unwrap_or_default();
    }
}

#[track_caller]
fn check_threshold(threshold: f64) {
    let right = threshold >= 0.0 && threshold.is_finite();
    ensure!(right, "Plateau: the threshold is {threshold}; it must be finite and not negative");
}
