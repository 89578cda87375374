//! Recurrent language models.

use super::bptt_batches;
use crate::cells::Lstm;
use crate::context::Context;
use crate::data::error::DataError;
#[cfg(feature = "safetensors")]
use crate::io::{TorchState, WeightMap};
use crate::layers::dense::Dense;
use crate::layers::embedding::Embedding;
use crate::layers::init::glorot_uniform;
use crate::layers::layer::Layer;
use crate::losses::cross_entropy::CrossEntropy;
use crate::random::Rng;
use crate::recurrent::cell::Cell;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::sequence_layer::{SequenceLayer, SequenceOutput};
use crate::recurrent::stack::Stack;
use crate::recurrent::state::State;
use crate::tuning::SCORED_STEPS;
use unspool_autograd::{Indices, Params, Scalar, Tape, Tensor, Var};

/// A recurrent model of the next token: an embedding, recurrent layers of any cell `C`, and a score
/// for each of the `V` tokens.
///
/// ```text
/// x_t = dropout(embedding[token_t])
/// h_t = dropout(layers(x_t, state))               also dropout between the layers
/// scores_t = h_t W + b
/// ```
///
/// Mikolov et al. 2010, "Recurrent neural network based language model"; dropout on non-recurrent
/// connections only: Zaremba et al. 2014, "Recurrent neural network regularization".
///
/// ```
/// use unspool::prelude::*;
/// use unspool::text::LanguageModel;
///
/// // 65 tokens, embeddings of size 16, two layers of 32 units.
/// let model = LanguageModel::<Tensor, Gru<Tensor>>::new(&mut rng(0), 65, 16, [32, 32], Gru::new).dropout(0.2);
/// let (inputs, targets) = (Indices::from_vec(vec![3, 60, 4, 61, 5, 62], [3, 2]), [4, 61, 5, 62, 6, 63]);
/// let tape = Tape::new();
/// let net = tape.bind(&model);
/// let output = net.apply(&inputs, Context::training(1));
/// assert_eq!(output.sequence().shape()[..], [3, 2, 65]);                       // [T, B, V]
/// let loss = CrossEntropy::default().classes(output.sequence(), Indices::from_vec(targets.to_vec(), [3, 2]));
/// let gradients = loss.backward().of(&net);
/// let carried = output.state().detached();                                       // for the next batch
/// assert_eq!(carried[1].shape()[..], [2, 32]);
/// ```
#[derive(Params, Clone, Debug)]
pub struct LanguageModel<P, C = Lstm<P>> {
    /// An embedding vector for each token: `[V, E]`.
    pub embedding: Embedding<P>,
    /// The recurrent layers, and the dropout between them.
    pub recurrent: Stack<Recurrent<C>>,
    /// Projects the H outputs of the last layer to E, if weights are [tied](LanguageModel::tied)
    /// and H is not E.
    pub projection: Option<Dense<P>>,
    /// `W`: `[H, V]`; if there is none, the embedding's weight is used, transposed.
    pub weight: Option<P>,
    /// `b`: `[V]`.
    pub bias: P,
    /// The dropout probability in training, for elements of the embeddings and of the last layer's
    /// output.
    pub dropout: f64,
}

impl<T: Scalar, C> LanguageModel<Tensor<T>, C> {
    /// A model of `tokens` tokens with embeddings of size `embedding` and a recurrent layer for
    /// each of the `hidden` sizes. `cell(rng, inputs, hidden)` creates their cells: `Lstm::new`, or
    /// your own.
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

    /// The same with tied weights: a token is scored with its own embedding vector, so W is the
    /// embedding's weight, transposed. If the last layer and the embedding differ in size, a
    /// [`Dense`] layer projects the outputs.
    ///
    /// Press and Wolf 2017, "Using the output embedding to improve language models"; Inan, Khosravi
    /// and Socher 2017, "Tying word vectors and word classifiers".
    ///
    /// ```
    /// use unspool::text::LanguageModel;
    /// use unspool::{Lstm, ParamsExt, Tensor, rng};
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

    /// The model without weights from its last layer to the scores, and the size of that layer.
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
    /// The same model with dropout of this rate before, between and after its recurrent layers.
    ///
    /// # Panics
    /// If `rate` is not at least 0 and less than 1.
    #[track_caller]
    pub fn dropout(self, rate: f64) -> Self {
        LanguageModel { recurrent: self.recurrent.dropout(rate), dropout: rate, ..self }
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>, X: Into<Indices>> Layer<'t, T, X> for LanguageModel<Var<'t, T>, C> {
    type Output = LanguageModelOutput<'t, T, C::State>;

    #[track_caller]
    fn apply(&self, tokens: X, cx: Context<'_>) -> Self::Output {
        self.run(tokens, None, cx)
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>, X: Into<Indices>> SequenceLayer<'t, T, X> for LanguageModel<Var<'t, T>, C> {
    type State = Vec<C::State>;

    /// # Panics
    /// If the tokens are not `[T, B]` with at least one step or not in the vocabulary, or the
    /// states are not of B sequences.
    #[track_caller]
    fn run(&self, tokens: X, state: Option<Self::State>, cx: Context<'_>) -> Self::Output {
        let (_scope, tokens) = (self.bias.tape().layer_scope(self), tokens.into());
        ensure!(tokens.shape().rank() == 2, "LanguageModel: the tokens must be [T, B], not {}", tokens.shape());
        let xs = cx.fold_in(0).dropout(self.embedding.apply(tokens, cx), self.dropout);
        let output = self.recurrent.run(xs, state, cx.fold_in(1));
        let scores = self.scores(cx.fold_in(2).dropout(output.sequence(), self.dropout));
        LanguageModelOutput { scores, lengths: cx.lengths().map(<[usize]>::to_vec), state: output.state() }
    }
}

/// The output of a [`LanguageModel`]: the scores `[T, B, V]` of the token after each of the tokens
/// `[T, B]`, and the states of its layers.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::text::LanguageModel;
/// let model: LanguageModel<Tensor, Gru<Tensor>> = LanguageModel::new(&mut rng(0), 7, 8, [16], Gru::new);
/// let tape = Tape::new();
/// let output = tape.bind(&model).forward(Indices::from_vec(vec![0, 3, 5, 1, 2, 6], [3, 2]));
/// assert_eq!((&output.sequence().shape()[..], &output.last().shape()[..]), (&[3, 2, 7][..], &[2, 7][..]));
/// ```
#[derive(Clone, Debug)]
pub struct LanguageModelOutput<'t, T: Scalar, S> {
    scores: Var<'t, T>,
    lengths: Option<Vec<usize>>,
    state: Vec<S>,
}

impl<'t, T: Scalar, S: State<'t, T>> SequenceOutput<'t, T> for LanguageModelOutput<'t, T, S> {
    type State = Vec<S>;

    #[track_caller]
    fn sequence(&self) -> Var<'t, T> {
        self.scores
    }

    /// The scores at the last step of each sequence, `[B, V]`.
    #[track_caller]
    fn last(&self) -> Var<'t, T> {
        let [time, batch, tokens] = self.scores.shape()[..] else { unreachable!("scores are [T, B, V]") };
        match &self.lengths {
            // At masked steps, the scores repeat.
            None => self.scores.select(0, time - 1),
            Some(lengths) => {
                let row = |(b, length): (usize, &usize)| length.saturating_sub(1) * batch + b;
                let rows: Vec<usize> = lengths.iter().enumerate().map(row).collect();
                self.scores.reshape([time * batch, tokens]).index_select(0, rows)
            }
        }
    }

    fn state(&self) -> Vec<S> {
        self.state.clone()
    }
}

impl<'t, T: Scalar, S> From<LanguageModelOutput<'t, T, S>> for Var<'t, T> {
    /// The scores.
    fn from(output: LanguageModelOutput<'t, T, S>) -> Self {
        output.scores
    }
}

impl<'t, T: Scalar, C: Cell<'t, T>> LanguageModel<Var<'t, T>, C> {
    /// The scores `[.., V]` from outputs `[.., H]` of the last layer.
    ///
    /// # Panics
    /// If `H` is not the size of the last layer.
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
    /// The cross-entropy per token in nats, the mean of -ln p over all tokens but the first, for
    /// [`perplexity`](super::perplexity) and [`bits_per_token`](super::bits_per_token).
    ///
    /// With a `batch_size` of 1, each token is predicted from all tokens before it. A larger one,
    /// as in [`bptt_batches`], is faster, but each sequence starts without a past, and some tokens
    /// at the end may be dropped.
    ///
    /// ```
    /// use unspool::text::LanguageModel;
    /// use unspool::{Lstm, Tensor, rng};
    /// let mut model = LanguageModel::<Tensor>::new(&mut rng(0), 5, 3, [4], Lstm::new);
    /// model.weight = Some(Tensor::zeros([4, 5])); // predicts a uniform distribution
    /// assert!((model.cross_entropy(&[1, 4, 0, 2, 3, 3], 1)? - 5f64.ln()).abs() < 1e-6);
    /// # Ok::<(), unspool::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// If there are too few tokens for two in each sequence.
    ///
    /// # Panics
    /// If `batch_size` is 0, or a token is not in the vocabulary.
    #[track_caller]
    pub fn cross_entropy(&self, tokens: &[usize], batch_size: usize) -> Result<f64, DataError> {
        let (mut tape, mut carried) = (Tape::new(), None);
        let (mut sum, mut count) = (0.0, 0);
        for batch in bptt_batches(tokens, batch_size, SCORED_STEPS)? {
            {
                let state = carried.as_ref().map(|carried| State::attach(&tape, carried));
                let output = tape.bind_frozen(self).run(&batch.inputs, state, Context::default());
                let predicted = batch.targets.as_slice().len();
                sum += CrossEntropy::default().classes(output.sequence(), &batch.targets).item().to_f64()
                    * predicted as f64;
                count += predicted;
                carried = Some(output.state().detached());
            }
            tape.reset();
        }
        Ok(sum / count as f64)
    }
}

/// With tied weights, `decoder.weight` is `encoder.weight`. The projection, which PyTorch's example
/// does not have, is an `nn.Linear` named `projection`.
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
