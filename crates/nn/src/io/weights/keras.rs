//! Keras's names for weights, and their forms.

use super::checkpoint::Checkpoint;
use super::incompatible_keys::IncompatibleKeys;
#[cfg(feature = "keras")]
use super::tensor_source::Naming;
use super::torch::{recurrent_biases, set_biases};
use super::weight_file::WeightFile;
use super::weight_map::WeightMap;
#[cfg(feature = "keras")]
use super::weight_map::shapes;
use crate::cells::{Gru, GruResetBefore, Lstm, SimpleRnn};
use crate::io::error::FileError;
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

/// A model with a counterpart in Keras: [`load_keras`] and [`save_keras`] read and write its
/// weights.
///
/// With the feature `keras`, [`load_keras`] reads Keras's own files. To write them for Keras, or to
/// do without the feature, the following Python code names each weight, which Keras does not. A
/// name begins with the index of the layer in the model, not counting input layers; in a nested
/// model, with both indices:
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
/// This loads what [`save_keras`] wrote: `for name, w in names(model).items():
/// w.assign(load_file(path)[name])`. With the feature `npy`, weights may also come in an npz file.
/// Instead of the last line of the code above:
///
/// ```python
/// numpy.savez("keras.npz", **{name: w.numpy() for name, w in names(model).items()})
/// ```
///
/// | here | in Keras | names |
/// |---|---|---|
/// | [`Dense`] | `Dense` | `kernel`, `bias` |
/// | [`Embedding`], [`LayerNorm`] | `Embedding`, `LayerNormalization(epsilon=1e-5)` | `embeddings`; `gamma`, `beta` |
/// | [`SimpleRnn`], [`Lstm`], [`Gru`] | `SimpleRNN`, `LSTM`, `GRU` | `kernel`, `recurrent_kernel`, `bias` |
/// | [`GruResetBefore`](crate::cells::GruResetBefore) | `GRU(reset_after=False)` | the same |
/// | [`Bidirectional`] | `Bidirectional` | and `backward.kernel`, .. |
/// | [`Sequential`], [`Stack`], `Vec`, arrays | the layers of a model | `0.kernel`, `1.bias`, .. |
///
/// What a layer computes with its weights is not in the file: an `activation` or `go_backwards`.
/// The default epsilon of Keras's `LayerNormalization` is 1e-3, and here it is 1e-5: a layer built
/// with the default gives other results here. A bias that is not in the file (`use_bias=False`,
/// `center=False`) becomes zero, and a gain (`scale=False`) one. Only a GRU must have its bias:
/// without it, nothing in the file shows whether it resets before or after the product (a `.keras`
/// file does). A custom model states the indices of its layers, as
/// [`TorchState`](crate::io::TorchState) shows.
///
/// ```
/// use unspool::io::{load_keras, save_keras};
/// use unspool::{dense, lstm, sequential};
/// let mut model = sequential().add(lstm(1, 20).return_sequences()).add(lstm(20, 20)).add(dense(20, 1));
/// # let path = std::env::temp_dir().join(format!("keras-{}.safetensors", std::process::id()));
/// save_keras(&path, &model)?;
/// load_keras(&path, &mut model)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
#[cfg(feature = "safetensors")]
pub trait KerasState {
    /// Passes each weight to `map` with its name and its form in Keras.
    fn keras(&mut self, map: &mut WeightMap<'_>);
}

/// Loads a model from a file of a Keras model's weights: with the feature `keras`, the `.keras` file
/// of `model.save(path)` or the `.weights.h5` file of `model.save_weights(path)`; without it, a
/// safetensors file or, with the feature `npy`, an npz file that the code in [`KerasState`] writes.
///
/// ```no_run
/// use unspool::io::load_keras;
/// use unspool::{dense, lstm, sequential};
/// let mut model = sequential().add(lstm(1, 20).return_sequences()).add(lstm(20, 20)).add(dense(20, 1));
/// load_keras("model.keras", &mut model)?;
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// A `.keras` file has the order of the layers, which count as in [`KerasState`]. A `.weights.h5`
/// file has only that of the layers of each class, and which class comes next must show by the
/// shapes of the weights. If two fit, that is an error, as is a GRU without biases, of which only
/// the `.keras` file says what kind it is. A part of a model is under Keras's name for the layer:
/// `WeightFile::open(path)?.load_keras("lstm_1", &mut lstm)`. The `.h5` files of Keras 2 are not
/// read.
///
/// ```
/// use unspool::io::load_keras;
/// use unspool::{dense, gru, sequential};
/// # let path = std::env::temp_dir().join(format!("loaded-keras-{}.safetensors", std::process::id()));
/// # unspool::io::save_keras(&path, &sequential().seed(1).add(gru(1, 8)).add(dense(8, 1)))?;
/// let mut model = sequential().add(gru(1, 8)).add(dense(8, 1));
/// load_keras(&path, &mut model)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// # Errors
/// If the file cannot be read or is not valid, or if names are missing or unexpected, or shapes or
/// element types differ: the error lists all of these. The model is then unchanged. With
/// [`strict(false)`](WeightFile::strict), a [`WeightFile`] loads the names that match.
///
/// See [`KerasState`] for the supported models, how to write the file, and an example.
#[cfg(feature = "safetensors")]
pub fn load_keras<T: Real, M>(path: impl AsRef<Path>, model: &mut M) -> Result<(), FileError>
where
    M: Params<Tensor<T>> + KerasState,
{
    WeightFile::open(path)?.load_keras("", model).map(drop)
}

/// Saves a model's weights for [`load_keras`], and for Keras with the code in [`KerasState`].
///
/// ```
/// use unspool::io::save_keras;
/// use unspool::{dense, gru, sequential};
/// let model = sequential().add(gru(1, 8)).add(dense(8, 1));
/// # let path = std::env::temp_dir().join(format!("saved-keras-{}.safetensors", std::process::id()));
/// save_keras(&path, &model)?;
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
///
/// # Errors
/// If the file cannot be written. The old file is then unchanged.
///
/// # Panics
/// If two weights have the same name.
#[cfg(feature = "safetensors")]
#[track_caller]
pub fn save_keras<T: Real, M>(path: impl AsRef<Path>, model: &M) -> Result<(), FileError>
where
    M: Params<Tensor<T>> + KerasState,
{
    let mut checkpoint = Checkpoint::new();
    checkpoint.put_keras("", model);
    checkpoint.save(path)
}

impl Checkpoint {
    /// Puts `model` under `prefix` with Keras's names and shapes: see [`KerasState`].
    ///
    /// # Panics
    /// If a name is taken.
    #[track_caller]
    pub fn put_keras<T: Real, M: Params<Tensor<T>> + KerasState>(&mut self, prefix: &str, model: &M) {
        self.put_with(prefix, model, M::keras);
    }
}

impl WeightFile {
    /// Loads `model` from under `prefix`, where its weights have Keras's names and shapes: see
    /// [`KerasState`].
    ///
    /// # Errors
    /// Those of [`load`](WeightFile::load).
    pub fn load_keras<T: Real, M>(&self, prefix: &str, model: &mut M) -> Result<IncompatibleKeys, FileError>
    where
        M: Params<Tensor<T>> + KerasState,
    {
        #[cfg(feature = "keras")]
        if let Naming::Keras(layers) = &self.naming
            && prefix.is_empty()
        {
            let names = layers.names(&shapes(model, M::keras)).map_err(|problem| self.wrong(problem))?;
            return self.renamed(&names).load_with(prefix, model, M::keras);
        }
        self.load_with(prefix, model, M::keras)
    }
}

#[cfg(feature = "safetensors")]
impl<T: Real> KerasState for Dense<Tensor<T>> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        map.same("kernel", &mut self.weight);
        map.same_or("bias", &mut self.bias, T::ZERO);
    }
}

#[cfg(feature = "safetensors")]
impl<T: Real> KerasState for Embedding<Tensor<T>> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        map.same("embeddings", &mut self.weight);
    }
}

#[cfg(feature = "safetensors")]
impl<T: Real> KerasState for LayerNorm<Tensor<T>> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        map.same_or("gamma", &mut self.gain, T::ONE);
        map.same_or("beta", &mut self.bias, T::ZERO);
    }
}

#[cfg(feature = "safetensors")]
impl<T: Real> KerasState for SimpleRnn<Tensor<T>> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        self.x.keras(map);
        map.same("recurrent_kernel", &mut self.u);
    }
}

/// Keras's gates i, f, c, o are ours, i, f, g, o.
#[cfg(feature = "safetensors")]
impl<T: Real> KerasState for Lstm<Tensor<T>> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        self.x.keras(map);
        map.same("recurrent_kernel", &mut self.u);
    }
}

/// From Keras's gate order z, r, h to ours, r, z, n, or back: swaps the first two thirds of the
/// last axis.
fn swap<T: Real>(tensor: &Tensor<T>) -> Tensor<T> {
    let axis = tensor.rank() - 1;
    let size = tensor.shape()[axis] / 3;
    Tensor::concat(axis, &[1, 0, 2].map(|gate| tensor.slice(axis, gate * size..(gate + 1) * size)))
}

/// Maps a weight whose gates are in Keras's order in the file.
fn swapped<T: Real>(map: &mut WeightMap<'_>, name: &str, weight: &mut Tensor<T>) {
    map.exchange([(name, swap(weight))], |[tensor]| *weight = swap(&tensor));
}

/// In Keras, its bias is `[2, 3H]`: the input's and the recurrent one.
#[cfg(feature = "safetensors")]
impl<T: Real> KerasState for Gru<Tensor<T>> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        swapped(map, "kernel", &mut self.x.weight);
        swapped(map, "recurrent_kernel", &mut self.u);
        let bias = swap(&Tensor::stack(0, &[self.x.bias.clone(), recurrent_biases(self)]));
        map.require("bias", RESET);
        map.exchange([("bias", bias)], |[bias]| {
            set_biases(self, [0, 1].map(|i| swap(&bias.select(0, i))));
        });
    }
}

#[cfg(feature = "safetensors")]
impl<T: Real> KerasState for GruResetBefore<Tensor<T>> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        swapped(map, "kernel", &mut self.x.weight);
        let recurrent = swap(&Tensor::concat(1, &[self.u.clone(), self.u_n.clone()]));
        let split = self.u.shape()[1];
        map.exchange([("recurrent_kernel", recurrent)], |[recurrent]| {
            let recurrent = swap(&recurrent);
            (self.u, self.u_n) = (recurrent.slice(1, ..split).copy(), recurrent.slice(1, split..).copy());
        });
        map.require("bias", RESET);
        let bias = swap(&self.x.bias);
        map.exchange([("bias", bias)], |[bias]| self.x.bias = swap(&bias));
    }
}

/// Why the file must have the bias of a GRU.
const RESET: &str = "shows by its shape whether a GRU resets after the product, [2, 3H], or before, [3H]: without biases, \
                     it must be there as zeros";

#[cfg(feature = "safetensors")]
impl<C: KerasState> KerasState for Recurrent<C> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        self.cell.keras(map);
    }
}

#[cfg(feature = "safetensors")]
impl<C: KerasState> KerasState for Bidirectional<C> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        self.forward.keras(map);
        map.at("backward", |map| self.backward.keras(map));
    }
}

#[cfg(feature = "safetensors")]
impl<L: KerasState> KerasState for Stack<L> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        self.layers.keras(map);
    }
}

#[cfg(feature = "safetensors")]
impl<L: KerasState> KerasState for Sequential<L> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        self.layers.keras(map);
    }
}

#[cfg(feature = "safetensors")]
impl<L: KerasState, M: KerasState> KerasState for Chain<L, M> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        self.before.keras(map);
        map.at(self.index(), |map| self.layer.keras(map));
    }
}

#[cfg(feature = "safetensors")]
impl<M: KerasState> KerasState for Vec<M> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        for (i, model) in self.iter_mut().enumerate() {
            map.at(i, |map| model.keras(map));
        }
    }
}

#[cfg(feature = "safetensors")]
impl<M: KerasState, const N: usize> KerasState for [M; N] {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        for (i, model) in self.iter_mut().enumerate() {
            map.at(i, |map| model.keras(map));
        }
    }
}

#[cfg(feature = "safetensors")]
impl<M: KerasState> KerasState for Option<M> {
    fn keras(&mut self, map: &mut WeightMap<'_>) {
        if let Some(model) = self {
            model.keras(map);
        }
    }
}

macro_rules! no_weights {
    ($($layer:ty),*) => {$(
        #[cfg(feature = "safetensors")]
        impl KerasState for $layer {
            fn keras(&mut self, _: &mut WeightMap<'_>) {}
        }
    )*};
}
no_weights!((), Flatten, Dropout, Activate, Softmax);
