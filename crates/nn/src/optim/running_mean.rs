//! Running means.

use unspool_autograd::Scalar;

/// A running mean, `beta mean + (1 - beta) new`.
///
/// Not in the form `mean + (new - mean) (1 - beta)`, which turns a mean that has become infinite
/// into NaN in the next step.
#[derive(Clone, Copy)]
pub(super) struct Mean<T> {
    /// The decay, rounded to `T`, so that the two factors add up to 1 and the
    /// [correction](super::Step::correction) fits.
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

    /// The mean after `x²`, which alone could overflow.
    #[inline(always)]
    pub fn of_square(self, mean: T, x: T) -> T {
        self.kept * mean + self.new * x * x
    }
}
