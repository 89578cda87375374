//! The random number generator.

use rand::SeedableRng;

/// The generator for initial weights and shuffling: PCG64 DXSM, which has the same output on every
/// machine.
pub type Rng = rand_pcg::Pcg64Dxsm;

/// A generator seeded with `seed`.
///
/// ```
/// use unspool_nn::rng;
/// use unspool_nn::layers::Dense;
/// use unspool_autograd::Tensor;
/// let a: Dense<Tensor> = Dense::new(&mut rng(7), 3, 2);
/// let b: Dense<Tensor> = Dense::new(&mut rng(7), 3, 2);
/// assert_eq!(a.weight, b.weight);
/// ```
pub fn rng(seed: u64) -> Rng {
    Rng::seed_from_u64(seed)
}
