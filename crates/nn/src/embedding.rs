//! Vectors for tokens.

use crate::init::uniform;
use crate::random::Rng;
use unspool_autograd::{Indices, Params, Scalar, Tensor, Var};

/// A table with a vector for each of `V` tokens: tokens `[T, B]` make `[T, B, E]`.
///
/// `weight` is `[V, E]`. The gradients of a token that occurs several times add up.
///
/// ```
/// use unspool_nn::{rng, Embedding};
/// use unspool_autograd::{Indices, Tape, Tensor};
/// let table: Embedding<Tensor> = Embedding::new(&mut rng(0), 10, 4);
/// let tape = Tape::new();
/// let tokens = Indices::from_vec(vec![3, 9, 3, 0, 1, 2], [3, 2]);
/// let x = tape.bind(&table).forward(&tokens);
/// assert_eq!(x.shape()[..], [3, 2, 4]);
/// assert_eq!(x.value().at([0, 0, 1]), table.weight.at([3, 1]));
/// ```
#[derive(Params, Clone, Debug)]
pub struct Embedding<P> {
    /// A row for each token: `[V, E]`.
    pub weight: P,
}

impl<T: Scalar> Embedding<Tensor<T>> {
    /// A table of `tokens` vectors of `size` numbers, uniform between -0.05 and 0.05 as Keras draws them.
    pub fn new(rng: &mut Rng, tokens: usize, size: usize) -> Self {
        Embedding { weight: uniform(rng, [tokens, size], -0.05, 0.05) }
    }
}

impl<'t, T: Scalar> Embedding<Var<'t, T>> {
    /// The vectors of `tokens`, along a new last axis.
    ///
    /// # Panics
    /// If a token is not one of `V`.
    #[track_caller]
    pub fn forward(&self, tokens: impl Into<Indices>) -> Var<'t, T> {
        self.weight.index_select(0, tokens)
    }
}
