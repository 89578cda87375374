//! Training or evaluation, as an argument.

use unspool_autograd::{Scalar, Var};

/// A new seed for each `i`: a bijective mix (the finalizer of MurmurHash3), so that seeds folded
/// repeatedly do not collide.
pub(crate) fn mix(seed: u64, i: usize) -> u64 {
    let mut z = seed ^ (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    z = (z ^ (z >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    z ^ (z >> 33)
}

/// Training or evaluation, which decides what dropout and its relatives do.
///
/// It is part of the [`Context`](crate::Context) of [`apply`](crate::layers::Layer::apply), never
/// the state of a layer. The plain [`forward`](crate::layers::Layer::forward) evaluates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is random: the same input always has the same output.
    #[default]
    Evaluation,
    /// Elements are dropped at random, as determined by the seed: use another one for each training
    /// step.
    Training {
        /// Determines what is dropped, together with the position in the model.
        seed: u64,
    },
}

impl Mode {
    /// The mode with `i` folded into its seed: for layer, time step or shard number `i`. JAX's
    /// `fold_in`.
    ///
    /// ```
    /// use unspool::Mode;
    /// let mode = Mode::Training { seed: 7 };
    /// assert_ne!(mode.fold_in(0), mode.fold_in(1));
    /// assert_eq!(mode.fold_in(1), mode.fold_in(1));
    /// assert_eq!(Mode::Evaluation.fold_in(3), Mode::Evaluation);
    /// ```
    pub fn fold_in(self, i: usize) -> Mode {
        match self {
            Mode::Evaluation => Mode::Evaluation,
            Mode::Training { seed } => Mode::Training { seed: mix(seed, i) },
        }
    }

    /// In training, true with this probability; in evaluation, always false. For example teacher
    /// forcing: `if mode.fold_in(t).bernoulli(ratio) { target } else { output }`.
    ///
    /// ```
    /// use unspool::Mode;
    /// let mode = Mode::Training { seed: 3 };
    /// let forced = (0..1000).filter(|&t| mode.fold_in(t).bernoulli(0.7)).count();
    /// assert!((650..750).contains(&forced));
    /// assert!(!Mode::Evaluation.bernoulli(1.0));
    /// ```
    ///
    /// # Panics
    /// If the probability is not between 0 and 1.
    #[track_caller]
    pub fn bernoulli(self, probability: f64) -> bool {
        ensure!((0.0..=1.0).contains(&probability), "bernoulli: the probability {probability} is not between 0 and 1");
        match self.fold_in(0) {
            Mode::Evaluation => false,
            Mode::Training { seed } => (seed >> 11) as f64 / ((1u64 << 53) as f64) < probability,
        }
    }

    /// In training, [`dropout`](Var::dropout); in evaluation, `x` as is.
    ///
    /// # Panics
    /// In training, if `rate` is not at least 0 and less than 1.
    #[track_caller]
    pub fn dropout<T: Scalar>(self, x: Var<'_, T>, rate: f64) -> Var<'_, T> {
        match self {
            Mode::Training { seed } if rate != 0.0 => x.dropout(rate, seed),
            _ => x,
        }
    }
}
