//! Embeddings of tokens.

use crate::context::Context;
use crate::layers::init::uniform;
use crate::layers::layer::Layer;
use crate::random::Rng;
use unspool_autograd::{Indices, Params, Scalar, Tensor, Var};

/// A table with a vector for each of `V` tokens: it turns tokens `[T, B]` into `[T, B, E]`.
///
/// `weight` is `[V, E]`. The gradients of a token that occurs several times add up.
///
/// ```
/// use unspool::prelude::*;
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
    /// The padding token, if there is one: its row gets no gradient.
    pub padding: Option<usize>,
}

impl<T: Scalar> Embedding<Tensor<T>> {
    /// A table of `tokens` vectors of `size` elements, uniform between -0.05 and 0.05, as in Keras.
    pub fn new(rng: &mut Rng, tokens: usize, size: usize) -> Self {
        Embedding { weight: uniform(rng, [tokens, size], -0.05, 0.05), padding: None }
    }

    /// The same table with `token` as padding: its vector is zeros and gets no gradient. PyTorch's
    /// `padding_idx`.
    ///
    /// With [`mask`](Embedding::mask), recurrent layers and attention skip it as well (Keras's
    /// `mask_zero`):
    ///
    /// ```
    /// use unspool::prelude::*;
    /// let table = Embedding::<Tensor>::new(&mut rng(0), 10, 4).padding(0);
    /// let layer = Recurrent::new(Gru::<Tensor>::new(&mut rng(1), 4, 8));
    /// let tape = Tape::new();
    /// let (table, layer) = (tape.bind(&table), tape.bind(&layer));
    /// let tokens = Indices::from_vec(vec![3, 9, 0, 2], [2, 2]); // [T, B]
    /// let mask = table.mask(&tokens);
    /// assert_eq!(mask.to_vec(), [1.0, 1.0, 0.0, 1.0]);
    /// let output = layer.apply(table.forward(&tokens), Context::default().with_mask(&mask));
    /// assert_eq!(output.last().shape()[..], [2, 8]);
    /// ```
    ///
    /// # Panics
    /// If `token` is not less than `V`.
    #[track_caller]
    pub fn padding(mut self, token: usize) -> Self {
        let [tokens, size] = [0, 1].map(|axis| self.weight.shape()[axis]);
        ensure!(token < tokens, "Embedding: token {token} is out of range for {tokens} tokens");
        self.weight.slice_assign(0, token, &Tensor::zeros([1, size]));
        Embedding { padding: Some(token), ..self }
    }
}

impl<'t, T: Scalar, X: Into<Indices>> Layer<'t, T, X> for Embedding<Var<'t, T>> {
    type Output = Var<'t, T>;

    /// The vectors of tokens, along a new last axis.
    ///
    /// # Panics
    /// If a token is not less than `V`.
    #[track_caller]
    fn apply(&self, tokens: X, _: Context<'_>) -> Var<'t, T> {
        let _scope = self.weight.tape().layer_scope(self);
        let tokens = tokens.into();
        let known = self.weight.shape()[0];
        if let Some(token) = tokens.as_slice().iter().find(|&&token| token >= known) {
            fail!("Embedding: token {token} is out of range for {known} tokens");
        }
        let vectors = self.weight.index_select(0, &tokens);
        if self.padding.is_none_or(|padding| !tokens.as_slice().contains(&padding)) {
            return vectors;
        }
        let mask = vectors.tape().constant(&self.mask(&tokens).unsqueeze(tokens.shape().rank()));
        mask.where_(vectors, vectors.detach()) // the same values: only the gradient is cut off
    }
}

impl<'t, T: Scalar> Embedding<Var<'t, T>> {
    /// 0 for padding and 1 for all other tokens, in the shape of `tokens`: what
    /// [`Context::with_mask`] and
    /// [`attention_masked`](crate::layers::attention_masked) take.
    pub fn mask(&self, tokens: impl Into<Indices>) -> Tensor<T> {
        let tokens = tokens.into();
        let valid = |i: usize| if self.padding == Some(tokens.as_slice()[i]) { T::ZERO } else { T::ONE };
        Tensor::from_fn(tokens.shape(), valid)
    }
}

/// An [`Embedding`] of `tokens` vectors of `size` elements, for
/// [`Sequential::add`](crate::layers::Sequential::add): the first layer of a model over tokens.
///
/// ```
/// use unspool::prelude::*;
/// let model = sequential().add(embedding(50, 8)).add(gru(8, 16)).add(dense(16, 3));
/// let tape = Tape::new();
/// let tokens = Indices::from_vec(vec![3, 9, 40, 0, 1, 2], [3, 2]); // [T, B]
/// assert_eq!(tape.bind(&model).forward(tokens).shape()[..], [2, 3]);
/// ```
pub fn embedding(tokens: usize, size: usize) -> impl FnOnce(&mut Rng) -> Embedding<Tensor> {
    move |rng| Embedding::new(rng, tokens, size)
}
