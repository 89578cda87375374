//! The random number generator, and tensors drawn from it.
//!
//! Numbers are drawn in f64 and rounded, so that tensors of f32 and f64 with one seed hold the same
//! numbers.

use crate::scalar::Scalar;
use crate::shape::Shape;
use crate::tensor::Tensor;
use rand::{RngExt, SeedableRng, TryRng};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Dxsm;
use std::convert::Infallible;

/// The generator for random tensors, initial weights and shuffling: PCG64 DXSM, which has the same
/// output on every machine. It implements the traits of the crate `rand`.
///
/// ```
/// use unspool::{Dense, Rng, Tensor, rng};
/// fn layers(rng: &mut Rng) -> [Dense<Tensor>; 2] {
///     [Dense::new(rng, 1, 8), Dense::new(rng, 8, 1)]
/// }
/// let [first, _] = layers(&mut rng(0));
/// assert_ne!(first.weight, layers(&mut rng(1))[0].weight);
/// ```
// A struct of its own, as an alias is spelled out in the documentation of the crates above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng(Pcg64Dxsm);

impl TryRng for Rng {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }
    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }
    #[inline]
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

impl SeedableRng for Rng {
    type Seed = <Pcg64Dxsm as SeedableRng>::Seed;

    fn from_seed(seed: Self::Seed) -> Self {
        Rng(Pcg64Dxsm::from_seed(seed))
    }
}

/// A generator seeded with `seed`.
///
/// ```
/// use unspool::{Tensor, rng};
/// let a: Tensor = Tensor::uniform(&mut rng(7), [3, 2], 0.0, 1.0);
/// let b: Tensor = Tensor::uniform(&mut rng(7), [3, 2], 0.0, 1.0);
/// assert_eq!(a, b);
/// ```
pub fn rng(seed: u64) -> Rng {
    Rng::seed_from_u64(seed)
}

impl<T: Scalar> Tensor<T> {
    /// A tensor of random numbers, uniform between `low` and `high`.
    ///
    /// ```
    /// use unspool::{Tensor, rng};
    /// let rng = &mut rng(0);
    /// let noise: Tensor = Tensor::uniform(rng, [50, 32, 1], -0.05, 0.05);
    /// assert!(noise.to_vec().iter().all(|x| x.abs() <= 0.05));
    /// let coin = Tensor::<f64>::uniform(rng, [], 0.0, 1.0).item() < 0.5;
    /// ```
    ///
    /// # Panics
    /// If `low` is greater than `high`, either of them is not finite, or `shape` is larger than the
    /// address space.
    #[track_caller]
    pub fn uniform(rng: &mut Rng, shape: impl Into<Shape>, low: f64, high: f64) -> Self {
        ensure!((high - low).is_finite(), "uniform: the range from {low} to {high} is not finite");
        ensure!(low <= high, "uniform: nothing lies between {low} and {high}");
        Self::from_fn(shape, |_| T::from_f64(low + (high - low) * rng.random::<f64>()))
    }

    /// A tensor of random numbers from the normal distribution with this mean and standard
    /// deviation.
    ///
    /// ```
    /// use unspool::{Tensor, rng};
    /// let x: Tensor = Tensor::normal(&mut rng(0), [1000], 5.0, 2.0);
    /// assert!((x.mean().item() - 5.0).abs() < 0.2);
    /// ```
    ///
    /// # Panics
    /// If `std` is negative, either number is not finite, or `shape` is larger than the address
    /// space.
    #[track_caller]
    pub fn normal(rng: &mut Rng, shape: impl Into<Shape>, mean: f64, std: f64) -> Self {
        ensure!(mean.is_finite(), "normal: the mean {mean} is not finite");
        ensure!(std >= 0.0 && std.is_finite(), "normal: a standard deviation of {std} is not possible");
        let mut draw = || -> f64 { StandardNormal.sample(rng) };
        Self::from_fn(shape, |_| T::from_f64(mean + std * draw()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Saved seeds must go on to mean the same numbers.
    #[test]
    fn the_numbers_of_a_seed_are_these() {
        let rng = &mut rng(42);
        assert_eq!(
            Tensor::<f64>::uniform(rng, [3], 0.0, 1.0).to_vec(),
            [0.2868060757108081, 0.11799001980154245, 0.3867846788928724]
        );
        assert_eq!(
            Tensor::<f64>::normal(rng, [3], 0.0, 1.0).to_vec(),
            [-0.7939764975725959, 1.0431624435109907, -1.3307561635828522]
        );
    }

    #[test]
    fn both_precisions_draw_the_same_numbers() {
        let (uniform, normal) =
            (Tensor::<f64>::uniform(&mut rng(1), [9], -2.0, 3.0), Tensor::<f64>::normal(&mut rng(2), [9], 1.0, 4.0));
        assert_eq!(Tensor::<f32>::uniform(&mut rng(1), [9], -2.0, 3.0), uniform.cast());
        assert_eq!(Tensor::<f32>::normal(&mut rng(2), [9], 1.0, 4.0), normal.cast());
    }

    /// The moments of a hundred thousand numbers, each within four of its standard errors.
    #[test]
    fn moments_are_those_of_the_distributions() {
        let count = 100_000;
        let moments = |x: Tensor<f64>| {
            let moment = |power: i32| x.to_vec().iter().map(|x| x.powi(power)).sum::<f64>() / f64::from(count);
            [1, 2, 3, 4].map(moment)
        };
        let check = |name: &str, x: Tensor<f64>, expected: [f64; 4], squares: [f64; 4]| {
            for ((found, expected), square) in moments(x).into_iter().zip(expected).zip(squares) {
                let error = ((square - expected * expected) / f64::from(count)).sqrt();
                assert!((found - expected).abs() < 4.0 * error, "{name}: a moment is {found}, not {expected}");
            }
        };
        let shape = [count as usize];
        let uniform = Tensor::uniform(&mut rng(3), shape, -1.0, 1.0);
        check("uniform", uniform, [0.0, 1.0 / 3.0, 0.0, 0.2], [1.0 / 3.0, 0.2, 1.0 / 7.0, 1.0 / 9.0]);
        let normal = (Tensor::normal(&mut rng(4), shape, 3.0, 2.0) - 3.0) / 2.0;
        check("normal", normal, [0.0, 1.0, 0.0, 3.0], [1.0, 3.0, 15.0, 105.0]);
        assert_eq!(Tensor::<f64>::normal(&mut rng(5), [2], 3.0, 0.0).to_vec(), [3.0, 3.0]);
    }
}
