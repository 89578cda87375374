//! Keras's weights.

use super::checkpoint::Checkpoint;
use super::error::FileError;
use super::torch::{recurrent_biases, set_biases};
use super::weight_file::WeightFile;
use super::weight_map::{WeightMap, gates};
use crate::cells::{Gru, GruResetBefore, Lstm, SimpleRnn};
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
use std::path::Path;
use unspool_autograd::{Params, Real, Tensor};

/// A model of tensors with a counterpart in Keras: [`load_keras`] and [`save_keras`] read and write its weights.
///
/// Keras has no file with one name for each weight, so these lines write one, in Python, with the names by the place of the
/// layer in the model, not counting the inputs of a functional one, and in a model within the model by both places:
///
/// ```python
/// import keras
/// from safetensors.numpy import load_file, save_file
///
/// def names(layer, at=""):
///     """The weights by their names."""
///     if isinstance(layer, keras.Model):
///         layers = [part for part in layer.layers if not isinstance(part, keras.layers.InputLayer)]
///         return {name: w for i, part in enumerate(layers) for name, w in names(part, f"{at}{i}.").items()}
///     if isinstance(layer, keras.layers.Bidirectional):
///         return names(layer.forward_layer, at) | names(layer.backward_layer, f"{at}backward.")
///     found = {at + w.name: w for w in layer.weights}
///     assert len(found) == len(layer.weights), f"{layer.name} has parts whose weights have the same names"
///     if isinstance(layer, keras.layers.GRU) and not layer.use_bias:  # zeros, whose shape says which kind it is
///         shape = [2, 3 * layer.units] if layer.reset_after else [3 * layer.units]
///         found[f"{at}bias"] = keras.Variable(keras.ops.zeros(shape, layer.variable_dtype))
///     return found
///
/// save_file({name: w.numpy() for name, w in names(model).items()}, "keras.safetensors")
/// ```
///
/// and this reads what [`save_keras`] wrote: `for name, w in names(model).items(): w.assign(load_file(path)[name])`.
/// With the feature `npy`, weights may also come in NumPy's own file. Instead of the last line:
///
/// ```python
/// numpy.savez("keras.npz", **{name: w.numpy() for name, w in names(model).items()})
/// ```
///
/// | here | there | names |
/// |---|---|---|
/// | [`Dense`] | `Dense` | `kernel`, `bias` |
/// | [`Embedding`], [`LayerNorm`] | `Embedding`, `LayerNormalization(epsilon=1e-5)` | `embeddings`; `gamma`, `beta` |
/// | [`SimpleRnn`], [`Lstm`], [`Gru`] | `SimpleRNN`, `LSTM`, `GRU` | `kernel`, `recurrent_kernel`, `bias` |
/// | [`GruResetBefore`](crate::cells::GruResetBefore) | `GRU(reset_after=False)` | the same |
/// | [`Bidirectional`] | `Bidirectional` | and `backward.kernel`, .. |
/// | [`Sequential`], [`Stack`], `Vec`, arrays | the layers of a model | `0.kernel`, `1.bias`, .. |
///
/// What a layer computes with its weights is not in the file: an `activation` or `go_backwards`. Keras's own epsilon of
/// `LayerNormalization` is 1e-3, and no weight: a layer with that one computes something else here.
/// A bias that is not in the file (`use_bias=False`, `center=False`) is zero, and a gain (`scale=False`) one. Only a GRU must
/// have one: without it, nothing in the file says whether it resets before or after the product.
/// A model of one's own says the place of its layers, [`TorchState`](crate::io::TorchState) shows how.
///
/// ```
/// use unspool_nn::cells::lstm;
/// use unspool_nn::io::{load_keras, save_keras};
/// use unspool_nn::layers::{dense, sequential};
/// let mut model = sequential().add(lstm(1, 20).return_sequences()).add(lstm(20, 20)).add(dense(20, 1));
/// # let path = std::env::temp_dir().join(format!("keras-{}.safetensors", std::process::id()));
/// save_keras(&path, &model)?;
/// load_keras(&path, &mut model)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool_nn::io::FileError>(())
/// ```
pub trait KerasState {
    /// Hands each weight to `dict` with its name and its form in Keras.
    fn keras(&mut self, dict: &mut WeightMap<'_>);
}

/// Loads a model from the file of a Keras model's weights: safetensors, or with the feature `npy` an npz.
///
/// # Errors
/// If the file cannot be read or is not valid, or if names are missing or unexpected, or shapes or element types differ:
/// all of these are listed. The model is then unchanged. [`WeightFile::strict`] loads what fits.
///
/// See [`KerasState`] for which models, how to write the file, and an example.
pub fn load_keras<T: Real, M>(path: impl AsRef<Path>, model: &mut M) -> Result<(), FileError>
where
    M: Params<Tensor<T>> + KerasState,
{
    WeightFile::open(path)?.load_keras("", model).map(drop)
}

/// Saves a model's weights as [`load_keras`] reads them, and Keras with the lines in [`KerasState`].
///
/// # Errors
/// If the file cannot be written. What was there before is then still there.
///
/// # Panics
/// If two weights have the same name.
#[track_caller]
pub fn save_keras<T: Real, M>(path: impl AsRef<Path>, model: &M) -> Result<(), FileError>
where
    M: Params<Tensor<T>> + KerasState,
{
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_keras("", model);
    checkpoint.save(path)
}

impl<T: Real> KerasState for Dense<Tensor<T>> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        dict.same("kernel", &mut self.weight);
        dict.same_or("bias", &mut self.bias, T::ZERO);
    }
}

impl<T: Real> KerasState for Embedding<Tensor<T>> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        dict.same("embeddings", &mut self.weight);
    }
}

impl<T: Real> KerasState for LayerNorm<Tensor<T>> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        dict.same_or("gamma", &mut self.gain, T::ONE);
        dict.same_or("beta", &mut self.bias, T::ZERO);
    }
}

impl<T: Real> KerasState for SimpleRnn<Tensor<T>> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        self.x.keras(dict);
        dict.same("recurrent_kernel", &mut self.u);
    }
}

/// Keras's gates i, f, c, o are ours, i, f, g, o.
impl<T: Real> KerasState for Lstm<Tensor<T>> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        self.x.keras(dict);
        dict.same("recurrent_kernel", &mut self.u);
    }
}

/// From Keras's gates z, r, h to ours, r, z, n; and back.
fn swap<T: Real>(tensor: &Tensor<T>) -> Tensor<T> {
    gates(tensor, [1, 0, 2])
}

/// The kernel's gates swapped.
fn swapped<T: Real>(dict: &mut WeightMap<'_>, name: &str, weight: &mut Tensor<T>) {
    dict.exchange([(name, swap(weight))], |[tensor]| *weight = swap(&tensor));
}

/// Its bias is `[2, 3H]`: that of the input and that of the recurrence.
impl<T: Real> KerasState for Gru<Tensor<T>> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        swapped(dict, "kernel", &mut self.x.weight);
        swapped(dict, "recurrent_kernel", &mut self.u);
        let bias = swap(&Tensor::stack(0, &[self.x.bias.clone(), recurrent_biases(self)]));
        dict.needs("bias", RESET);
        dict.exchange([("bias", bias)], |[bias]| {
            set_biases(self, [0, 1].map(|i| swap(&bias.select(0, i))));
        });
    }
}

impl<T: Real> KerasState for GruResetBefore<Tensor<T>> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        swapped(dict, "kernel", &mut self.x.weight);
        let recurrent = swap(&Tensor::concat(1, &[self.u.clone(), self.u_n.clone()]));
        let split = self.u.shape()[1];
        dict.exchange([("recurrent_kernel", recurrent)], |[recurrent]| {
            let recurrent = swap(&recurrent);
            (self.u, self.u_n) = (recurrent.slice(1, ..split).copy(), recurrent.slice(1, split..).copy());
        });
        dict.needs("bias", RESET);
        let bias = swap(&self.x.bias);
        dict.exchange([("bias", bias)], |[bias]| self.x.bias = swap(&bias));
    }
}

/// Why a GRU must have its bias.
const RESET: &str = "says by its shape whether a GRU resets after the product, [2, 3H], or before, [3H]: without biases, \
                     it must be there as zeros";

impl<C: KerasState> KerasState for Recurrent<C> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        self.cell.keras(dict);
    }
}

impl<C: KerasState> KerasState for Bidirectional<C> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        self.forward.keras(dict);
        dict.at("backward", |dict| self.backward.keras(dict));
    }
}

impl<L: KerasState> KerasState for Stack<L> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        self.layers.keras(dict);
    }
}

impl<L: KerasState> KerasState for Sequential<L> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        self.layers.keras(dict);
    }
}

impl<L: KerasState, M: KerasState> KerasState for Chain<L, M> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        self.before.keras(dict);
        dict.at(self.index(), |dict| self.layer.keras(dict));
    }
}

impl<M: KerasState> KerasState for Vec<M> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        for (i, model) in self.iter_mut().enumerate() {
            dict.at(i, |dict| model.keras(dict));
        }
    }
}

impl<M: KerasState, const N: usize> KerasState for [M; N] {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        for (i, model) in self.iter_mut().enumerate() {
            dict.at(i, |dict| model.keras(dict));
        }
    }
}

impl<M: KerasState> KerasState for Option<M> {
    fn keras(&mut self, dict: &mut WeightMap<'_>) {
        if let Some(model) = self {
            model.keras(dict);
        }
    }
}

/// Layers without weights.
macro_rules! nothing {
    ($($layer:ty),*) => {$(
        impl KerasState for $layer {
            fn keras(&mut self, _: &mut WeightMap<'_>) {}
        }
    )*};
}
nothing!((), Flatten, Dropout, Activate, Softmax);
