//! Running means.

use unspool_autograd::Scalar;

/// A running mean of what comes step by step, `beta mean + (1 - beta) new`.
///
/// In these two products, and not as `mean + (new - mean) (1 - beta)`: there, a mean that has become infinite is NaN in the
/// next step.
#[derive(Clone, Copy)]
pub(super) struct Mean<T> {
    /// The decay, rounded to `T`: so the parts add up to 1, and a [correction](super::Step::correction) by it fits.
    pub beta: f64,
    kept: T,
    new: T,
}

impl<T: Scalar> Mean<T> {
    pub fn new(beta: f64) -> Self {
        let beta = T::from_f64(beta).to_f64();
        Mean { beta, kept: T::from_f64(beta), new: T::from_f64(1.0 - beta) }
    }

    /// The mean after `x`.
    #[inline(always)]
    pub fn of(self, mean: T, x: T) -> T {
        self.kept * mean + self.new * x
    }

    /// The mean after `x²`, which may itself be beyond the largest number.
    #[inline(always)]
    pub fn of_square(self, mean: T, x: T) -> T {
        self.kept * mean + self.new * x * x
    }
}
