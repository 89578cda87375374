//! Dropout: elements set to zero at random.

use crate::tape::{InputGrads, Inputs, Op, Saves, Var};
use unspool_tensor::{Scalar, Shape, Tensor};

#[derive(Clone)]
struct Dropout {
    rate: f64,
    seed: u64,
}

impl Dropout {
    /// The factor of each element: 0, or the one that keeps the mean.
    fn mask<T: Scalar>(&self, shape: Shape) -> Tensor<T> {
        let scale = T::from_f64(1.0 / (1.0 - self.rate));
        // So many of the 2^64 random numbers drop their element.
        let out = (self.rate * 2f64.powi(64)) as u64;
        Tensor::from_fn(shape, |i| if random(self.seed, i as u64) < out { T::ZERO } else { scale })
    }
}

/// Number `i` of the random sequence of `seed`, in constant time: SplitMix64, whose state is a
/// counter.
///
/// Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
#[inline(always)]
fn random(seed: u64, i: u64) -> u64 {
    let mut z = seed.wrapping_add(i.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    #[track_caller]
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].zip(&self.mask(x[0].shape()), #[inline(always)] |x, m| x * m)
    }

    fn saves(&self) -> Saves {
        Saves::NOTHING
    }

    fn backward<T: Scalar>(&self, x: Inputs<'_, T>, _y: &Tensor<T>, grad: Tensor<T>, into: &mut InputGrads<'_, T>) {
        // The mask is computed again, not stored.
        let least = into.least();
        into.pass_on(0, || grad.into_zip(&self.mask(x[0].shape()), #[inline(always)] |g, m| (g * m).flush(least)));
    }
}

/// # Dropout
impl<T: Scalar> Var<'_, T> {
    /// Each element dropped at random: `y = m x`, where `m` is 0 with probability `rate` and
    /// `1 / (1 - rate)` otherwise, so that the mean stays the same. `dx = m dy`.
    ///
    /// Which elements are dropped depends on `seed` and their index alone: pass another seed at
    /// every step of training. The same seed at every time step is the variational dropout of Gal
    /// and Ghahramani 2016.
    ///
    /// Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    ///
    /// ```
    /// use unspool::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let y = tape.constant(&Tensor::<f32>::ones([1000])).dropout(0.5, 42).value().to_vec();
    /// let kept = y.iter().filter(|&&y| y == 2.0).count();
    /// assert!((450..550).contains(&kept) && y.iter().filter(|&&y| y == 0.0).count() == 1000 - kept);
    /// ```
    ///
    /// # Panics
    /// If `rate` is not at least 0 and less than 1.
    #[track_caller]
    #[inline]
    pub fn dropout(self, rate: f64, seed: u64) -> Self {
        ensure!((0.0..1.0).contains(&rate), "dropout: the rate {rate} is not at least 0 and less than 1");
        self.unary(Dropout { rate, seed })
    }
}

#[cfg(test)]
mod tests {
    use super::random;
    use crate::Tape;
    use unspool_tensor::Tensor;

    #[test]
    fn no_value_and_no_mask_is_stored() {
        let tape = Tape::new();
        let x = tape.variable(&Tensor::<f32>::ones([1000]));
        let since = tape.len();
        let sum = x + x;
        let y = sum.dropout(0.5, 1) + x;
        tape.release(since..tape.len(), &[y]);
        assert_eq!(tape.bytes(since..tape.len()), tape.bytes(0..since), "y alone");
        assert_eq!(y.sum().backward().wrt(x), y.value(), "1, or 5 where it is not dropped");
    }

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        // The first outputs of java.util.SplittableRandom's generator from state 1234567.
        let expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431];
        assert_eq!([0, 1, 2, 3].map(|i| random(1234567, i)), expected);
    }
}
