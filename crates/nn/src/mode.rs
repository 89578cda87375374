//! Training or evaluation, as an argument.

use unspool_autograd::{Scalar, Var};

/// Another seed for each `i`: a bijective mix (the finalizer of MurmurHash3), so that parts of parts do not meet again.
pub(crate) fn mix(seed: u64, i: usize) -> u64 {
    let mut z = seed ^ (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    z = (z ^ (z >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    z ^ (z >> 33)
}

/// Whether a model is being trained, which decides what dropout and its relatives do.
///
/// It is an argument of [`forward_in`](crate::layers::Layer::forward_in), never a state of a layer. The plain
/// [`forward`](crate::layers::Layer::forward) evaluates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is left out; the same input always has the same output.
    #[default]
    Evaluation,
    /// Elements are left out at random, as the seed decides. Every step of training has a seed of its own.
    Training {
        /// Decides what is left out, together with the place in the model.
        seed: u64,
    },
}

impl Mode {
    /// The mode of part `i` of something: in training, with another seed for each part.
    ///
    /// ```
    /// use unspool_nn::Mode;
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

    /// In training, whether something of this probability happens; in evaluation it does not. Teacher forcing is such a
    /// thing: `if mode.fold_in(t).bernoulli(ratio) { target } else { own output }`.
    ///
    /// ```
    /// use unspool_nn::Mode;
    /// let forced = (0..1000).filter(|&t| Mode::Training { seed: 3 }.fold_in(t).bernoulli(0.7)).count();
    /// assert!((650..750).contains(&forced));
    /// assert!(!Mode::Evaluation.bernoulli(1.0));
    /// ```
    ///
    /// # Panics
    /// If the probability is not between 0 and 1.
    #[track_caller]
    pub fn bernoulli(self, probability: f64) -> bool {
        assert!((0.0..=1.0).contains(&probability), "bernoulli: the probability {probability} is not between 0 and 1");
        match self.fold_in(0) {
            Mode::Evaluation => false,
            Mode::Training { seed } => (seed >> 11) as f64 / ((1u64 << 53) as f64) < probability,
        }
    }

    /// In training, [`dropout`](Var::dropout); in evaluation, `x` as it is.
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
