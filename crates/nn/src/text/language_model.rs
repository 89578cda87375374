//! Recurrent language models.

use super::bptt_batches;
use crate::cells::Lstm;
use crate::data::error::DataError;
#[cfg(feature = "safetensors")]
use crate::io::{TorchState, WeightMap};
use crate::layers::dense::Dense;
use crate::layers::embedding::Embedding;
use crate::layers::init::glorot_uniform;
use crate::layers::layer::Layer;
use crate::losses::cross_entropy::CrossEntropy;
use crate::mode::Mode;
use crate::random::Rng;
use crate::recurrent::cell::Cell;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::sequence_layer::SequenceLayer;
use crate::recurrent::stack::Stack;
use crate::recurrent::state::State;
use crate::tuning::SCORED_STEPS;
use unspool_autograd::{Indices, Params, Scalar, Tape, Tensor, Var};

/// A recurrent model of the next token: an embedding, recurrent layers of any cell `C`, scores for all `V` tokens.
///
/// ```text
/// x_t = dropout(embedding[token_t])
/// h_t = dropout(layers(x_t, state))               dropout between the layers, too
/// scores_t = h_t W + b
/// ```
///
/// Mikolov et al. 2010, "Recurrent neural network based language model"; dropout on what is not recurrent alone is that of
/// Zaremba et al. 2014, "Recurrent neural network regularization".
///
/// ```
/// use unspool_nn::text::LanguageModel;
/// use unspool_nn::{Mode, rng};
/// use unspool_nn::cells::Gru;
/// use unspool_nn::losses::CrossEntropy;
/// use unspool_nn::recurrent::State;
/// use unspool_autograd::{Indices, Tape, Tensor};
///
/// // 65 tokens as vectors of 16 numbers, two layers of 32 units.
/// let model = LanguageModel::<Tensor, Gru<Tensor>>::new(&mut rng(0), 65, 16, [32, 32], Gru::new).dropout(0.2);
/// let (inputs, targets) = (Indices::from_vec(vec![3, 60, 4, 61, 5, 62], [3, 2]), [4, 61, 5, 62, 6, 63]);
/// let tape = Tape::new();
/// let net = tape.bind(&model);
/// let (scores, state) = net.run(&inputs, None, Mode::Training { seed: 1 });
/// assert_eq!(scores.shape()[..], [3, 2, 65]);                                  // [T, B, V]
/// let loss = CrossEntropy::default().classes(scores, Indices::from_vec(targets.to_vec(), [3, 2]));
/// let gradients = loss.backward().of(&net);
/// let carried = state.detach();                                                // for the next chunk of these rows
/// assert_eq!(carried[1].shape()[..], [2, 32]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct LanguageModel<P, C = Lstm<P>> {
    /// A vector for each token: `[V, E]`.
    pub embedding: Embedding<P>,
    /// The recurrent layers, and the dropout between them.
    pub recurrent: Stack<Recurrent<C>>,
    /// From the H outputs of the last layer to E numbers, if weights are [tied](LanguageModel::tied) and H is not E.
    pub projection: Option<Dense<P>>,
    /// `W`: `[H, V]`; where there is none, that of the embedding is used, transposed.
    pub weight: Option<P>,
    /// `b`: `[V]`.
    pub bias: P,
    /// The probability with which, in training, an element of a token's vector or of the last layer's output is left out.
    pub dropout: f64,
}

impl<T: Scalar, C> LanguageModel<Tensor<T>, C> {
    /// A model of `tokens` tokens with vectors of `embedding` numbers and a recurrent layer for each of the `hidden` sizes,
    /// whose cells `cell(rng, inputs, hidden)` makes: `Lstm::new`, or one of your own.
    ///
    /// # Panics
    /// If there is no layer.
    #[track_caller]
    pub fn new(
        rng: &mut Rng,
        tokens: usize,
        embedding: usize,
        hidden: impl IntoIterator<Item = usize>,
        cell: impl FnMut(&mut Rng, usize, usize) -> C,
    ) -> Self {
        let (mut model, outputs) = Self::without_weight(rng, tokens, embedding, hidden, cell);
        model.weight = Some(glorot_uniform(rng, outputs, tokens));
        model
    }

    /// The same with tied weights: a token is scored by its own vector, so that W is the embedding's, transposed. Where the
    /// last layer has another size than the vectors, a [`Dense`] projects its outputs to theirs.
    ///
    /// Press and Wolf 2017, "Using the output embedding to improve language models"; Inan, Khosravi and Socher 2017, "Tying
    /// word vectors and word classifiers".
    ///
    /// ```
    /// use unspool_nn::text::LanguageModel;
    /// use unspool_nn::rng;
    /// use unspool_nn::cells::Lstm;
    /// use unspool_autograd::{Tensor, ParamsExt};
    /// let model = LanguageModel::<Tensor>::tied(&mut rng(0), 1000, 16, [32], Lstm::new);
    /// assert_eq!(model.names()[4..], ["projection.weight", "projection.bias", "bias"]);
    /// assert_eq!(model.embedding.weight.shape()[..], [1000, 16]);
    /// ```
    ///
    /// # Panics
    /// If there is no layer.
    #[track_caller]
    pub fn tied(
        rng: &mut Rng,
        tokens: usize,
        embedding: usize,
        hidden: impl IntoIterator<Item = usize>,
        cell: impl FnMut(&mut Rng, usize, usize) -> C,
    ) -> Self {
        let (mut model, outputs) = Self::without_weight(rng, tokens, embedding, hidden, cell);
        model.projection = (outputs != embedding).then(|| Dense::new(rng, outputs, embedding));
        model
    }

    /// The model without a way from its last layer to the scores, and the size of that layer.
    #[track_caller]
    fn without_weight(
        rng: &mut Rng,
        tokens: usize,
        embedding: usize,
        hidden: impl IntoIterator<Item = usize>,
        mut cell: impl FnMut(&mut Rng, usize, usize) -> C,
    ) -> (Self, usize) {
        let (table, mut inputs) = (Embedding::new(rng, tokens, embedding), embedding);
        let layers: Vec<Recurrent<C>> = hidden
            .into_iter()
            .map(|hidden| Recurrent::new(cell(rng, std::mem::replace(&mut inputs, hidden), hidden)))
            .collect();
        let bias = Tensor::zeros([tokens]);
        let recurrent = Stack::new(layers);
        (LanguageModel { embedding: table, recurrent, projection: None, weight: None, bias, dropout: 0.0 }, inputs)
    }
}

impl<P, C> LanguageModel<P, C> {
    /// The same model with dropout of this rate before, between and behind its recurrent layers.
    ///
    /// # Panics
    /// If `rate` is not at least 0 and less than 1.
    #[track_caller]
    pub fn dropout(self, rate: f64) -> Self {
        LanguageModel { recurrent: self.recurrent.dropout(rate), dropout: rate, ..self }
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> LanguageModel<Var<'t, T>, C> {
    /// The scores `[T, B, V]` of what follows each of the tokens `[T, B]`, and the states of the layers after the last step.
    /// They begin with what was carried from an earlier run, or with zero.
    ///
    /// # Panics
    /// If the tokens are not `[T, B]` of at least one step or not of the vocabulary, or the states are not of B sequences.
    #[track_caller]
    pub fn run(
        &self,
        tokens: impl Into<Indices>,
        carried: Option<&Vec<<C::State as State<'t, T>>::Detached>>,
        mode: Mode,
    ) -> (Var<'t, T>, Vec<C::State>) {
        let xs = mode.fold_in(0).dropout(self.embedding.forward(tokens), self.dropout);
        let state = carried.map(|carried| State::attach(xs.tape(), carried));
        let run = self.recurrent.run(xs, state, None, mode.fold_in(1));
        (self.scores(mode.fold_in(2).dropout(run.sequence(), self.dropout)), run.state())
    }

    /// The scores `[.., V]` of outputs `[.., H]` of the last layer.
    ///
    /// # Panics
    /// If they do not have its size.
    #[track_caller]
    pub fn scores(&self, mut h: Var<'t, T>) -> Var<'t, T> {
        if let Some(projection) = &self.projection {
            h = projection.forward(h);
        }
        h.linear(self.weight.unwrap_or_else(|| self.embedding.weight.t()), self.bias)
    }
}

impl<T, C, D> LanguageModel<Tensor<T>, C>
where
    T: Scalar,
    C: Params<Tensor<T>>,
    for<'t> C::With<Var<'t, T>>: Cell<'t, T, State: State<'t, T, Detached = D>>,
{
    /// The mean of -ln p over the tokens of a text but the first, for [`perplexity`](super::perplexity) and
    /// [`bits_per_token`](super::bits_per_token).
    ///
    /// With `rows` = 1 each is predicted from all before it. More rows, as in [`bptt_batches`], are faster; each of them begins
    /// without a past, and some tokens at the end may be left out.
    ///
    /// ```
    /// use unspool_nn::text::LanguageModel;
    /// use unspool_nn::rng;
    /// use unspool_nn::cells::Lstm;
    /// use unspool_autograd::Tensor;
    /// let mut model = LanguageModel::<Tensor>::new(&mut rng(0), 5, 3, [4], Lstm::new);
    /// model.weight = Some(Tensor::zeros([4, 5])); // knows nothing
    /// assert!((model.cross_entropy(&[1, 4, 0, 2, 3, 3], 1)? - 5f64.ln()).abs() < 1e-6);
    /// # Ok::<(), unspool_nn::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If there are too few tokens for two in each row.
    ///
    /// # Panics
    /// If `rows` is 0, or a token is not of the vocabulary.
    #[track_caller]
    pub fn cross_entropy(&self, tokens: &[usize], rows: usize) -> Result<f64, DataError> {
        let (mut tape, mut carried) = (Tape::new(), None);
        let (mut sum, mut count) = (0.0, 0);
        for chunk in bptt_batches(tokens, rows, SCORED_STEPS)? {
            {
                let (scores, state) = tape.bind_frozen(self).run(&chunk.inputs, carried.as_ref(), Mode::Evaluation);
                let predicted = chunk.targets.as_slice().len();
                sum += CrossEntropy::default().classes(scores, &chunk.targets).item().to_f64() * predicted as f64;
                count += predicted;
                carried = Some(state.detach());
            }
            tape.reset();
        }
        Ok(sum / count as f64)
    }
}

/// With tied weights, `decoder.weight` is `encoder.weight`. The projection, which PyTorch's example does not have, is an
/// `nn.Linear` named `projection`.
#[cfg(feature = "safetensors")]
impl<T: unspool_autograd::Real, C: TorchState> TorchState for LanguageModel<Tensor<T>, C> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        map.at("rnn", |map| self.recurrent.torch(map));
        map.at("projection", |map| self.projection.torch(map));
        match &mut self.weight {
            Some(weight) => {
                map.same("encoder.weight", &mut self.embedding.weight);
                map.transposed("decoder.weight", weight);
            }
            None => map.tied(["encoder.weight", "decoder.weight"], &mut self.embedding.weight),
        }
        map.at("decoder", |map| map.same_or("bias", &mut self.bias, T::ZERO));
    }
}
