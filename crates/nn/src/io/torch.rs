//! PyTorch's state dicts.

use super::checkpoint::Checkpoint;
use super::error::FileError;
use super::weight_file::WeightFile;
use super::weight_map::{WeightMap, zeros};
use crate::cells::{Gru, Lstm, ProjectedLstm, SimpleRnn};
use crate::layers::activations::{Activate, Softmax};
use crate::layers::dense::Dense;
use crate::layers::dropout::Dropout;
use crate::layers::embedding::Embedding;
use crate::layers::flatten::Flatten;
use crate::layers::layer_norm::LayerNorm;
use crate::layers::sequential::{Chain, Sequential};
use crate::recurrent::bidirectional::Bidirectional;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::stack::Stack;
use crate::text::LanguageModel;
use std::path::Path;
use unspool_autograd::{Params, Real, Tensor};

/// A model of tensors with a counterpart in PyTorch: [`load_torch`] and [`save_torch`] read and write its state dict.
///
/// | here | there | names |
/// |---|---|---|
/// | [`Dense`] | `nn.Linear` | `weight`, `bias` |
/// | [`Embedding`], [`LayerNorm`] | `nn.Embedding`, `nn.LayerNorm` | `weight`; `weight`, `bias` |
/// | [`SimpleRnn`], [`Lstm`], [`Gru`] | `nn.RNNCell`, `nn.LSTMCell`, `nn.GRUCell` | `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh` |
/// | [`ProjectedLstm`] | `nn.LSTM(.., proj_size=..)` | and `weight_hr` |
/// | [`Recurrent`] of them | `nn.RNN`, `nn.LSTM`, `nn.GRU` | `weight_ih_l0`, .. |
/// | [`Bidirectional`] | `bidirectional=True` | and `weight_ih_l0_reverse`, .. |
/// | [`Stack`] of either | `num_layers=2` | and `weight_ih_l1`, .. |
/// | [`Sequential`] | `nn.Sequential` | `0.weight`, `2.bias`, .. |
/// | `Vec`, arrays | `nn.ModuleList` | `0.weight`, .. |
/// | [`LanguageModel`](crate::text::LanguageModel) | `RNNModel` of PyTorch's example `word_language_model` | `encoder.weight`, `rnn.weight_ih_l0`, .., `decoder.weight`, `decoder.bias` |
///
/// PyTorch has two biases where one is enough. They are added in loading; in saving, `bias_hh` is zero but for the
/// gate n of [`Gru`]. What is no weight (an activation, the dropout between layers) is not in a state dict.
/// [`LayerNorm`] has PyTorch's epsilon, 1e-5. What a module computes with its weights is not in the file: `nn.RNN` with
/// `nonlinearity="relu"` has the names of one with tanh.
///
/// A bias that is not in the file (`bias=False`) is zero, and the gain of a `LayerNorm` (`elementwise_affine=False`) one.
/// Here every layer has them, so training changes them, and what is saved is for PyTorch's layers that have them too.
/// Half precision, `float16` and `bfloat16`, becomes the type of the model, which has all of its numbers.
///
/// A model or a cell of one's own says the names of its parts, once for both directions:
///
/// ```
/// use unspool_nn::rng;
/// use unspool_nn::cells::Lstm;
/// use unspool_nn::io::{WeightMap, TorchState, load_torch, save_torch};
/// use unspool_nn::layers::Dense;
/// use unspool_nn::recurrent::Recurrent;
/// use unspool_autograd::{Params, Real, Tensor};
///
/// #[derive(Params)]
/// # #[params(crate = unspool_autograd)]
/// struct Tagger<P> { lstm: Recurrent<Lstm<P>>, head: Dense<P>, scale: P }
///
/// impl<T: Real> TorchState for Tagger<Tensor<T>> {
///     fn torch(&mut self, dict: &mut WeightMap<'_>) {
///         dict.at("encoder", |dict| self.lstm.torch(dict)); // encoder.weight_ih_l0, ..
///         dict.at("out", |dict| self.head.torch(dict));     // out.weight, out.bias
///         dict.same("scale", &mut self.scale);
///     }
/// }
///
/// let rng = &mut rng(0);
/// let lstm = Recurrent::new(Lstm::<Tensor>::new(rng, 3, 5));
/// let mut model = Tagger { lstm, head: Dense::new(rng, 5, 2), scale: Tensor::ones([1]) };
/// # let path = std::env::temp_dir().join(format!("tagger-{}.safetensors", std::process::id()));
/// save_torch(&path, &model)?; // safetensors.torch.load_model(model, path)
/// load_torch(&path, &mut model)?; // safetensors.torch.save_model(model, path)
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool_nn::io::FileError>(())
/// ```
///
/// Files of `safetensors.torch.save_file(model.state_dict(), path)` are the same, but for weights that several modules share:
/// [`WeightMap::tied`].
pub trait TorchState {
    /// Hands each weight to `dict` with its name and its form in PyTorch.
    ///
    /// A recurrent cell gives the names that it has in `nn.LSTMCell`; the layer around it adds its number and direction.
    fn torch(&mut self, dict: &mut WeightMap<'_>);
}

/// Loads a model from the safetensors file of a PyTorch model, `safetensors.torch.save_model(model, path)`.
///
/// A part of a larger model, or one whose names all begin with `module.` (`nn.DataParallel`), stands under a prefix:
/// [`WeightFile::load_torch`].
///
/// # Errors
/// If the file cannot be read or is not valid, or if names are missing or unexpected, or shapes or element types differ:
/// all of these are listed. The model is then unchanged. [`WeightFile::strict`] loads what fits.
///
/// See [`TorchState`] for which models, and an example.
pub fn load_torch<T: Real, M>(path: impl AsRef<Path>, model: &mut M) -> Result<(), FileError>
where
    M: Params<Tensor<T>> + TorchState,
{
    WeightFile::open(path)?.load_torch("", model).map(drop)
}

/// Saves a model as PyTorch would: `safetensors.torch.load_model(model, path)` reads it there.
///
/// # Errors
/// If the file cannot be written. What was there before is then still there.
///
/// # Panics
/// If two weights have the same name.
///
/// See [`TorchState`] for which models, and an example.
#[track_caller]
pub fn save_torch<T: Real, M>(path: impl AsRef<Path>, model: &M) -> Result<(), FileError>
where
    M: Params<Tensor<T>> + TorchState,
{
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_torch("", model);
    checkpoint.put_text("format", "pt"); // some of PyTorch's readers ask for it
    checkpoint.save(path)
}

impl<T: Real> TorchState for Dense<Tensor<T>> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        dict.transposed("weight", &mut self.weight);
        dict.same_or("bias", &mut self.bias, T::ZERO);
    }
}

impl<T: Real> TorchState for Embedding<Tensor<T>> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        dict.same("weight", &mut self.weight);
    }
}

impl<T: Real> TorchState for LayerNorm<Tensor<T>> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        dict.same_or("weight", &mut self.gain, T::ONE);
        dict.same_or("bias", &mut self.bias, T::ZERO);
    }
}

/// The input and recurrent weights, whose gates are in PyTorch's order already.
fn weights<T: Real>(dict: &mut WeightMap<'_>, x: &mut Dense<Tensor<T>>, u: &mut Tensor<T>) {
    dict.transposed("weight_ih", &mut x.weight);
    dict.transposed("weight_hh", u);
}

impl<T: Real> TorchState for SimpleRnn<Tensor<T>> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        weights(dict, &mut self.x, &mut self.u);
        dict.sum(["bias_ih", "bias_hh"], &mut self.x.bias);
    }
}

impl<T: Real> TorchState for Lstm<Tensor<T>> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        weights(dict, &mut self.x, &mut self.u);
        dict.sum(["bias_ih", "bias_hh"], &mut self.x.bias);
    }
}

impl<T: Real> TorchState for ProjectedLstm<Tensor<T>> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        weights(dict, &mut self.x, &mut self.u);
        dict.transposed("weight_hr", &mut self.w_r);
        dict.sum(["bias_ih", "bias_hh"], &mut self.x.bias);
    }
}

impl<T: Real> TorchState for Gru<Tensor<T>> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        weights(dict, &mut self.x, &mut self.u);
        let recurrent = recurrent_biases(self);
        let biases = [("bias_ih", self.x.bias.clone()), ("bias_hh", recurrent)];
        dict.exchange_or(biases, T::ZERO, |biases| set_biases(self, biases));
    }
}

/// The recurrent bias of gates r, z and n, of which only n's stands by itself: `[3H]`.
pub(super) fn recurrent_biases<T: Real>(gru: &Gru<Tensor<T>>) -> Tensor<T> {
    Tensor::concat(0, &[zeros(2 * gru.recurrent_bias.numel()), gru.recurrent_bias.clone()])
}

/// Sets the biases from those of the input and of the recurrence, each `[3H]` in the order r, z, n.
pub(super) fn set_biases<T: Real>(gru: &mut Gru<Tensor<T>>, [input, recurrent]: [Tensor<T>; 2]) {
    let hidden = gru.recurrent_bias.numel();
    let summed = Tensor::concat(0, &[recurrent.slice(0, ..2 * hidden), zeros(hidden)]);
    gru.x.bias = input.zip(&summed, |a, b| a + b);
    gru.recurrent_bias = recurrent.slice(0, 2 * hidden..).copy();
}

impl<C: TorchState> TorchState for Recurrent<C> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        dict.in_layer("", |dict| self.cell.torch(dict));
    }
}

impl<C: TorchState> TorchState for Bidirectional<C> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        dict.in_layer("", |dict| self.forward.cell.torch(dict));
        dict.in_layer("_reverse", |dict| self.backward.cell.torch(dict));
    }
}

impl<L: TorchState> TorchState for Stack<L> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        for (i, layer) in self.layers.iter_mut().enumerate() {
            dict.of_layer(i, |dict| layer.torch(dict));
        }
    }
}

impl<L: TorchState> TorchState for Sequential<L> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        self.layers.torch(dict);
    }
}

impl<L: TorchState, M: TorchState> TorchState for Chain<L, M> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        self.before.torch(dict);
        dict.at(self.index(), |dict| self.layer.torch(dict));
    }
}

impl<M: TorchState> TorchState for Vec<M> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        for (i, model) in self.iter_mut().enumerate() {
            dict.at(i, |dict| model.torch(dict));
        }
    }
}

impl<M: TorchState, const N: usize> TorchState for [M; N] {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        for (i, model) in self.iter_mut().enumerate() {
            dict.at(i, |dict| model.torch(dict));
        }
    }
}

impl<M: TorchState> TorchState for Option<M> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        if let Some(model) = self {
            model.torch(dict);
        }
    }
}

/// With tied weights, `decoder.weight` is `encoder.weight`; what projects the outputs to it, which the example has not, is an
/// `nn.Linear` of the name `projection`.
impl<T: Real, C: TorchState> TorchState for LanguageModel<Tensor<T>, C> {
    fn torch(&mut self, dict: &mut WeightMap<'_>) {
        dict.at("rnn", |dict| self.recurrent.torch(dict));
        dict.at("projection", |dict| self.projection.torch(dict));
        match &mut self.weight {
            Some(weight) => {
                dict.same("encoder.weight", &mut self.embedding.weight);
                dict.transposed("decoder.weight", weight);
            }
            None => dict.tied(["encoder.weight", "decoder.weight"], &mut self.embedding.weight),
        }
        dict.at("decoder", |dict| dict.same_or("bias", &mut self.bias, T::ZERO));
    }
}

/// Layers without weights.
macro_rules! nothing {
    ($($layer:ty),*) => {$(
        impl TorchState for $layer {
            fn torch(&mut self, _: &mut WeightMap<'_>) {}
        }
    )*};
}
nothing!((), Flatten, Dropout, Activate, Softmax);
