//! PyTorch's names for weights, and their forms in a state dict.

use super::checkpoint::Checkpoint;
use super::incompatible_keys::IncompatibleKeys;
#[cfg(feature = "torch")]
use super::tensor_source::Naming;
use super::weight_file::WeightFile;
use super::weight_map::WeightMap;
use crate::cells::{Gru, Lstm, ProjectedLstm, SimpleRnn};
use crate::io::error::FileError;
use crate::layers::activations::{Activate, Softmax};
use crate::layers::dense::Dense;
use crate::layers::dropout::Dropout;
use crate::layers::embedding::Embedding;
use crate::layers::flatten::Flatten;
use crate::layers::layer_norm::LayerNorm;
use crate::layers::sequential::{Chain, Sequential};
#[cfg(feature = "torch")]
use crate::messages::{listed, quoted};
use crate::recurrent::bidirectional::Bidirectional;
use crate::recurrent::layer::Recurrent;
use crate::recurrent::stack::Stack;
use std::path::Path;
use unspool_autograd::{Params, Real, Tensor};

/// A model with a counterpart in PyTorch: [`load_torch`] and [`save_torch`] read and write its
/// state dict.
///
/// | here | in PyTorch | names |
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
/// PyTorch has two biases where one is enough. Loading adds them; saving writes a `bias_hh` of
/// zero, except for gate n of [`Gru`]. A state dict has only weights, and neither activations nor
/// dropout rates. What a module computes with its weights is not in the file: `nn.RNN` with
/// `nonlinearity="relu"` has the same names as with tanh. [`LayerNorm`] has PyTorch's epsilon,
/// 1e-5.
///
/// A bias that is not in the file (`bias=False`) becomes zero, and the gain of a `LayerNorm`
/// (`elementwise_affine=False`) one. Here every layer has them, so training changes them, and a
/// saved model fits PyTorch layers that have them too. `float16` and `bfloat16` are widened to the
/// type of the model, which represents all of their values.
///
/// A custom model or cell states the names of its parts, once for both directions:
///
/// ```
/// use unspool::io::{TorchState, WeightMap, load_torch, save_torch};
/// use unspool::prelude::*;
/// use unspool::tensor::Real;
///
/// #[derive(Params)]
/// struct Tagger<P> { lstm: Recurrent<Lstm<P>>, head: Dense<P>, scale: P }
///
/// impl<T: Real> TorchState for Tagger<Tensor<T>> {
///     fn torch(&mut self, map: &mut WeightMap<'_>) {
///         map.at("encoder", |map| self.lstm.torch(map)); // encoder.weight_ih_l0, ..
///         map.at("out", |map| self.head.torch(map));     // out.weight, out.bias
///         map.same("scale", &mut self.scale);
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
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// Files of `safetensors.torch.save_file(model.state_dict(), path)` are the same, except for
/// weights that several modules share: see [`WeightMap::tied`].
#[cfg(feature = "safetensors")]
pub trait TorchState {
    /// Passes each weight to `map` with its name and its form in PyTorch.
    ///
    /// A recurrent cell gives the names of `nn.LSTMCell`; the layer around it adds its index and
    /// direction.
    fn torch(&mut self, map: &mut WeightMap<'_>);
}

/// Loads a model from a file of a PyTorch model: with the feature `torch`, that of
/// `torch.save(model.state_dict(), path)`; without it, the safetensors file of
/// `safetensors.torch.save_model(model, path)`.
///
/// ```no_run
/// use unspool::io::load_torch;
/// use unspool::prelude::*;
/// use unspool::{Lstm, Tensor};
/// let mut lstm: Recurrent<Lstm<Tensor>> = Recurrent::new(Lstm::new(&mut rng(0), 3, 5));
/// load_torch("lstm.pt", &mut lstm)?; // torch.save(torch.nn.LSTM(3, 5).state_dict(), "lstm.pt")
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// A file of `torch.save` is a program in Python's pickle format. Nothing of it is executed: only
/// what a state dict consists of is read, as with `torch.load(path, weights_only=True)`, and a
/// pickle that names anything else, such as the class of a whole model, is an error. The state dict
/// may be in a dictionary with other values, `{"model": model.state_dict(), "epoch": 3}`. If there
/// are several, choose one by its name as a prefix: `WeightFile::open(path)?.load_torch("model",
/// &mut model)`.
///
/// For a part of a larger model, or one whose names all begin with `module.` (`nn.DataParallel`),
/// use [`WeightFile::load_torch`] with that prefix, too.
///
/// ```
/// use unspool::io::load_torch;
/// use unspool::{dense, gru, sequential};
/// # let path = std::env::temp_dir().join(format!("loaded-torch-{}.safetensors", std::process::id()));
/// # unspool::io::save_torch(&path, &sequential().seed(1).add(gru(1, 8)).add(dense(8, 1)))?;
/// let mut model = sequential().add(gru(1, 8)).add(dense(8, 1));
/// load_torch(&path, &mut model)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// # Errors
/// If the file cannot be read or is not valid, or if names are missing or unexpected, or shapes or
/// element types differ: the error lists all of these. The model is then unchanged. With
/// [`strict(false)`](WeightFile::strict), a [`WeightFile`] loads the names that match.
///
/// See [`TorchState`] for the supported models, and an example.
#[cfg(feature = "safetensors")]
pub fn load_torch<T: Real, M>(path: impl AsRef<Path>, model: &mut M) -> Result<(), FileError>
where
    M: Params<Tensor<T>> + TorchState,
{
    WeightFile::open(path)?.load_torch("", model).map(drop)
}

/// Saves a model as PyTorch would: `safetensors.torch.load_model(model, path)` reads it there.
///
/// ```
/// use unspool::io::save_torch;
/// use unspool::{dense, gru, sequential};
/// let model = sequential().add(gru(1, 8)).add(dense(8, 1));
/// # let path = std::env::temp_dir().join(format!("saved-torch-{}.safetensors", std::process::id()));
/// save_torch(&path, &model)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// # Errors
/// If the file cannot be written. The old file is then unchanged.
///
/// # Panics
/// If two weights have the same name.
///
/// See [`TorchState`] for the supported models, and an example.
#[cfg(feature = "safetensors")]
#[track_caller]
pub fn save_torch<T: Real, M>(path: impl AsRef<Path>, model: &M) -> Result<(), FileError>
where
    M: Params<Tensor<T>> + TorchState,
{
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_torch("", model);
    checkpoint.put_text("format", "pt"); // some of PyTorch's readers require it
    checkpoint.save(path)
}

impl Checkpoint {
    /// Puts `model` under `prefix` with PyTorch's names and shapes: see [`TorchState`].
    ///
    /// # Panics
    /// If a name is taken.
    #[track_caller]
    pub fn put_torch<T: Real, M: Params<Tensor<T>> + TorchState>(&mut self, prefix: &str, model: &M) {
        self.put_with(prefix, model, M::torch);
    }
}

impl WeightFile {
    /// Loads `model` from under `prefix`, where its weights have PyTorch's names and shapes: see
    /// [`TorchState`].
    ///
    /// # Errors
    /// Those of [`load`](WeightFile::load).
    pub fn load_torch<T: Real, M>(&self, prefix: &str, model: &mut M) -> Result<IncompatibleKeys, FileError>
    where
        M: Params<Tensor<T>> + TorchState,
    {
        self.load_with(self.state_dict_at(prefix)?, model, M::torch)
    }

    /// The prefix of the only state dict of a checkpoint, `{"model": state_dict, "epoch": 3}`, if
    /// none is given.
    #[cfg(feature = "torch")]
    fn state_dict_at<'a>(&'a self, prefix: &'a str) -> Result<&'a str, FileError> {
        match &self.naming {
            Naming::Torch(prefixes) if prefix.is_empty() && !prefixes.iter().any(String::is_empty) => {
                match &prefixes[..] {
                    [only] => Ok(only),
                    several => Err(self.wrong(format_args!(
                        "has several dictionaries of tensors, {}: choose one, `WeightFile::open(path)?.load_torch({:?}, \
                         &mut model)`",
                        listed(several.iter().map(|prefix| quoted(prefix)), ", "),
                        several[0]
                    ))),
                }
            }
            _ => Ok(prefix),
        }
    }

    #[cfg(not(feature = "torch"))]
    fn state_dict_at<'a>(&'a self, prefix: &'a str) -> Result<&'a str, FileError> {
        Ok(prefix)
    }
}

#[cfg(feature = "safetensors")]
impl<T: Real> TorchState for Dense<Tensor<T>> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        map.transposed("weight", &mut self.weight);
        map.same_or("bias", &mut self.bias, T::ZERO);
    }
}

#[cfg(feature = "safetensors")]
impl<T: Real> TorchState for Embedding<Tensor<T>> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        map.same("weight", &mut self.weight);
    }
}

#[cfg(feature = "safetensors")]
impl<T: Real> TorchState for LayerNorm<Tensor<T>> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        map.same_or("weight", &mut self.gain, T::ONE);
        map.same_or("bias", &mut self.bias, T::ZERO);
    }
}

/// The input and recurrent weights. Their gates are in PyTorch's order already.
fn weights<T: Real>(map: &mut WeightMap<'_>, x: &mut Dense<Tensor<T>>, u: &mut Tensor<T>) {
    map.transposed("weight_ih", &mut x.weight);
    map.transposed("weight_hh", u);
}

#[cfg(feature = "safetensors")]
impl<T: Real> TorchState for SimpleRnn<Tensor<T>> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        weights(map, &mut self.x, &mut self.u);
        map.sum(["bias_ih", "bias_hh"], &mut self.x.bias);
    }
}

#[cfg(feature = "safetensors")]
impl<T: Real> TorchState for Lstm<Tensor<T>> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        weights(map, &mut self.x, &mut self.u);
        map.sum(["bias_ih", "bias_hh"], &mut self.x.bias);
    }
}

#[cfg(feature = "safetensors")]
impl<T: Real> TorchState for ProjectedLstm<Tensor<T>> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        weights(map, &mut self.x, &mut self.u);
        map.transposed("weight_hr", &mut self.w_r);
        map.sum(["bias_ih", "bias_hh"], &mut self.x.bias);
    }
}

#[cfg(feature = "safetensors")]
impl<T: Real> TorchState for Gru<Tensor<T>> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        weights(map, &mut self.x, &mut self.u);
        let recurrent = recurrent_biases(self);
        let biases = [("bias_ih", self.x.bias.clone()), ("bias_hh", recurrent)];
        map.exchange_or(biases, T::ZERO, |biases| set_biases(self, biases));
    }
}

/// The recurrent bias of the gates r, z and n, `[3H]`: here only n has one of its own.
pub(super) fn recurrent_biases<T: Real>(gru: &Gru<Tensor<T>>) -> Tensor<T> {
    Tensor::concat(0, &[Tensor::zeros([2 * gru.recurrent_bias.numel()]), gru.recurrent_bias.clone()])
}

/// Sets the biases from the input's and the recurrent ones, each `[3H]` in the order r, z, n.
pub(super) fn set_biases<T: Real>(gru: &mut Gru<Tensor<T>>, [input, recurrent]: [Tensor<T>; 2]) {
    let hidden = gru.recurrent_bias.numel();
    let summed = Tensor::concat(0, &[recurrent.slice(0, ..2 * hidden), Tensor::zeros([hidden])]);
    gru.x.bias = input + summed;
    gru.recurrent_bias = recurrent.slice(0, 2 * hidden..).copy();
}

#[cfg(feature = "safetensors")]
impl<C: TorchState> TorchState for Recurrent<C> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        map.in_layer("", |map| self.cell.torch(map));
    }
}

#[cfg(feature = "safetensors")]
impl<C: TorchState> TorchState for Bidirectional<C> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        map.in_layer("", |map| self.forward.cell.torch(map));
        map.in_layer("_reverse", |map| self.backward.cell.torch(map));
    }
}

#[cfg(feature = "safetensors")]
impl<L: TorchState> TorchState for Stack<L> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        for (i, layer) in self.layers.iter_mut().enumerate() {
            map.of_layer(i, |map| layer.torch(map));
        }
    }
}

#[cfg(feature = "safetensors")]
impl<L: TorchState> TorchState for Sequential<L> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        self.layers.torch(map);
    }
}

#[cfg(feature = "safetensors")]
impl<L: TorchState, M: TorchState> TorchState for Chain<L, M> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        self.before.torch(map);
        map.at(self.index(), |map| self.layer.torch(map));
    }
}

#[cfg(feature = "safetensors")]
impl<M: TorchState> TorchState for Vec<M> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        for (i, model) in self.iter_mut().enumerate() {
            map.at(i, |map| model.torch(map));
        }
    }
}

#[cfg(feature = "safetensors")]
impl<M: TorchState, const N: usize> TorchState for [M; N] {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        for (i, model) in self.iter_mut().enumerate() {
            map.at(i, |map| model.torch(map));
        }
    }
}

#[cfg(feature = "safetensors")]
impl<M: TorchState> TorchState for Option<M> {
    fn torch(&mut self, map: &mut WeightMap<'_>) {
        if let Some(model) = self {
            model.torch(map);
        }
    }
}

macro_rules! no_weights {
    ($($layer:ty),*) => {$(
        #[cfg(feature = "safetensors")]
        impl TorchState for $layer {
            fn torch(&mut self, _: &mut WeightMap<'_>) {}
        }
    )*};
}
no_weights!((), Flatten, Dropout, Activate, Softmax);
