//! An open file of named tensors.

use super::safetensors_header::{Header, type_name};
use super::tensor_source::{Container, Naming, represents};
use crate::io::error::FileError;
use crate::messages::{quoted, sizes};
use crate::optim::state_dict::StateDict;
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
#[cfg(feature = "keras")]
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use unspool_autograd::{Real, Tensor};

/// An open file of named tensors: safetensors, written by [`Checkpoint`](crate::io::Checkpoint) or
/// by another program, or one of the formats below, whatever its name.
///
/// Opening reads and checks only the header; each tensor is read when it is requested. If the file
/// at the path is replaced in the meantime, the old one is still read to its end.
///
/// With the feature `npy`, NumPy's npz files are read as well. They are held in memory, compressed
/// as they are in the file. Entries other than arrays of numbers (texts, objects, other files) are
/// not among the [`names`](WeightFile::names), and requesting one is an error.
///
/// With the feature `torch`, so are the files of `torch.save`: see [`load_torch`]. Tensors have the
/// names of a state dict, `rnn.weight_ih_l0`, or, if it is in a dictionary, those of both,
/// `model.rnn.weight_ih_l0`.
///
/// With the feature `keras`, so are Keras's `.keras` and `.weights.h5` files: see [`load_keras`].
/// The names begin with the index of a layer, `0.kernel`; in a `.weights.h5` file, which does not
/// have the order of the layers, with Keras's name for it, `lstm_1.kernel`.
///
/// [`load_torch`]: crate::io::load_torch
/// [`load_keras`]: crate::io::load_keras
///
/// See [`Checkpoint`](crate::io::Checkpoint) for an example. Here training resumes from a file, and
/// if any of it does not fit, everything stays as it is:
///
/// ```
/// use unspool::io::{Checkpoint, WeightFile};
/// use unspool::prelude::*;
/// # let path = std::env::temp_dir().join(format!("resume-{}.safetensors", std::process::id()));
/// # let saved: Dense<Tensor> = Dense::new(&mut rng(1), 3, 2);
/// # let mut checkpoint = Checkpoint::new();
/// # checkpoint.put_model("model", &saved);
/// # checkpoint.put_model("mean", &saved.zeros_like());
/// # checkpoint.save(&path)?;
/// let mut model: Dense<Tensor> = init::skip(|| Dense::new(&mut rng(0), 3, 2));
/// let mut mean = model.zeros_like();
/// let file = WeightFile::open(&path)?;
/// let (mut next, mut next_mean) = (model.clone(), mean.clone());
/// file.load("model", &mut next)?;
/// file.load("mean", &mut next_mean)?;
/// (model, mean) = (next, next_mean);
/// # assert_eq!(model.weight, saved.weight);
/// # assert_eq!(mean.weight, saved.zeros_like().weight);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool::io::FileError>(())
/// ```
#[cfg(feature = "safetensors")]
pub struct WeightFile {
    path: PathBuf,
    header: Header,
    container: Container,
    #[cfg_attr(not(any(feature = "keras", feature = "torch")), expect(dead_code))]
    pub(super) naming: Naming,
    strict: bool,
}

impl WeightFile {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// If there is none, or it is not a valid file of a format that is read: truncated, too long, or
    /// with a header that contradicts itself.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref().to_owned();
        let (header, container, naming) = Container::open(&path)?;
        Ok(WeightFile { path, header, container, naming, strict: true })
    }

    /// Whether loading requires the model and the file to have the same names; `true` by default.
    /// With `false`, weights that are not in the file keep their values, and extra tensors in the
    /// file are ignored; both are listed, as by PyTorch's `load_state_dict(.., strict=False)`.
    ///
    /// ```
    /// use unspool::io::{WeightFile, save_torch};
    /// use unspool::{Dense, Embedding, Tensor, rng};
    /// # use unspool::Params;
    /// # use unspool::io::{TorchState, WeightMap};
    /// # use unspool::tensor::Real;
    /// # #[derive(Params)]
    /// # struct Tagger<P> { encoder: Embedding<P>, head: Dense<P> }
    /// # impl<T: Real> TorchState for Tagger<Tensor<T>> {
    /// #     fn torch(&mut self, dict: &mut WeightMap<'_>) {
    /// #         dict.at("encoder", |dict| self.encoder.torch(dict));
    /// #         dict.at("head", |dict| self.head.torch(dict));
    /// #     }
    /// # }
    /// # let rng = &mut rng(0);
    /// # let path = std::env::temp_dir().join(format!("strict-{}.safetensors", std::process::id()));
    /// # let saved = Embedding::<Tensor>::new(rng, 5, 3);
    /// # let mut checkpoint = unspool::io::Checkpoint::new();
    /// # checkpoint.put_torch("encoder", &saved);
    /// # checkpoint.put_tensor("decoder.weight", &saved.weight);
    /// # checkpoint.save(&path)?;
    /// // The file has an encoder and a decoder, the model an encoder and a head.
    /// let mut model = Tagger { encoder: Embedding::<Tensor>::new(rng, 5, 3), head: Dense::new(rng, 3, 2) };
    /// let names = WeightFile::open(&path)?.strict(false).load_torch("", &mut model)?;
    /// assert_eq!(names.missing, ["head.weight", "head.bias"]);
    /// assert_eq!(names.unexpected, ["decoder.weight"]);
    /// # assert_eq!(model.encoder.weight, saved.weight);
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), unspool::io::FileError>(())
    /// ```
    ///
    /// These remain errors: a wrong shape or element type, a file with nothing of the model, and
    /// one of two tensors that make up a weight together (`bias_ih` without `bias_hh`). If a whole
    /// layer is missing, its bias keeps its values; if only the bias is missing, as of a layer
    /// without bias, it becomes zero.
    ///
    /// Integer buffers, such as `num_batches_tracked` of PyTorch's `nn.BatchNorm1d`, are not
    /// weights: they are always ignored, and listed.
    pub fn strict(self, strict: bool) -> Self {
        WeightFile { strict, ..self }
    }

    /// The names of all tensors and numbers, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.header.tensors.keys().map(String::as_str)
    }

    /// A text of the file's metadata, if there is one of this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.header.texts.get(name).map(String::as_str)
    }

    /// One tensor. The 16-bit types `f16` and `bf16` are widened to `T`, which represents all of
    /// their values.
    ///
    /// # Errors
    /// If there is none of this name and element type, it has more axes than a tensor can have or
    /// more elements than there is memory for, or the file cannot be read.
    pub fn tensor<T: Real>(&self, name: &str) -> Result<Tensor<T>, FileError> {
        let info = self.entry(name, represents::<T>, T::NAME)?;
        self.read(name, info)
    }

    /// `N` integers.
    ///
    /// # Errors
    /// If there are none of this name, or not `N` of them, or the file cannot be read.
    pub fn numbers<const N: usize>(&self, name: &str) -> Result<[u64; N], FileError> {
        let info = self.entry(name, |dtype| dtype == Dtype::U64, "u64")?;
        if info.shape != [N] {
            let (name, shape) = (quoted(name), sizes(&info.shape));
            return Err(self.wrong(format_args!("holds {name} of shape {shape}, expected [{N}]")));
        }
        let mut numbers = [0; N];
        let mut rest = numbers.iter_mut();
        self.container.bytes(&self.path, name, info, |bytes| {
            for (number, bytes) in rest.by_ref().zip(bytes.as_chunks().0) {
                *number = u64::from_le_bytes(*bytes);
            }
        })?;
        Ok(numbers)
    }

    /// The state that [`put_state`](crate::io::Checkpoint::put_state) put under `prefix`; empty if
    /// there is nothing.
    ///
    /// # Errors
    /// If there is anything else under `prefix`, a tensor has another element type, or the file
    /// cannot be read.
    pub fn state_dict<T: Real>(&self, prefix: &str) -> Result<StateDict<T>, FileError> {
        let mut state = StateDict::new();
        for (name, info) in &self.header.tensors {
            let Some(rest) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.')) else { continue };
            if info.dtype == Dtype::U64 {
                let [bits] = self.numbers(name)?;
                state.numbers.insert(rest.to_owned(), f64::from_bits(bits));
            } else {
                state.tensors.insert(rest.to_owned(), self.tensor(name)?);
            }
        }
        Ok(state)
    }

    /// The entry of this name, if it has the expected type.
    fn entry(&self, name: &str, fits: fn(Dtype) -> bool, expected: &str) -> Result<&TensorInfo, FileError> {
        match self.info(name) {
            None => Err(match self.not_numbers(name) {
                Some(problem) => self.wrong(format_args!("cannot be read in {}: {problem}", quoted(name))),
                None => self.wrong(format_args!("has nothing under the name {}", quoted(name))),
            }),
            Some(info) if !fits(info.dtype) => {
                let got = type_name(info.dtype);
                Err(self.wrong(format_args!("holds {} as {got}, expected {expected}", quoted(name))))
            }
            Some(info) => Ok(info),
        }
    }

    pub(super) fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.find(name).map(|(_, info)| info)
    }

    /// The entry of this name, or the one that the metadata names as its alias: of weights that
    /// share their memory, safetensors' `save_model` keeps only one.
    pub(super) fn find(&self, name: &str) -> Option<(&str, &TensorInfo)> {
        let tensors = &self.header.tensors;
        let (name, info) = tensors.get_key_value(name).or_else(|| tensors.get_key_value(self.text(name)?))?;
        Some((name, info))
    }

    /// Why an entry that is in the file is not one of its tensors.
    pub(super) fn not_numbers(&self, name: &str) -> Option<String> {
        match self.info(name) {
            Some(_) => None,
            None => self.container.not_numbers(name),
        }
    }

    pub(super) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Whether an entry may be a weight of some layer.
    pub(super) fn holds_floats(&self, name: &str) -> bool {
        !self.info(name).is_some_and(|info| is_integer(info.dtype))
    }

    /// Whether there is any tensor of a layer whose names have this prefix and suffix.
    pub(super) fn holds_any(&self, prefix: &str, suffix: &str) -> bool {
        let names =
            self.header.tensors.range::<str, _>((Bound::Included(prefix), Bound::Unbounded)).map(|(name, _)| name);
        names.take_while(|name| name.starts_with(prefix)).any(|name| name.ends_with(suffix))
    }

    /// The same file with other names for some entries.
    #[cfg(feature = "keras")]
    pub(super) fn renamed(&self, names: &BTreeMap<String, String>) -> WeightFile {
        fn renamed<V: Clone>(map: &BTreeMap<String, V>, names: &BTreeMap<String, String>) -> BTreeMap<String, V> {
            map.iter().map(|(name, value)| (names.get(name).unwrap_or(name).clone(), value.clone())).collect()
        }
        let Container::Keras(arrays) = &self.container else { unreachable!("it is Keras that has no names") };
        let tensors = renamed(&self.header.tensors, names);
        WeightFile {
            path: self.path.clone(),
            header: Header { tensors, texts: BTreeMap::new(), data: 0 },
            container: Container::Keras(renamed(arrays, names)),
            naming: Naming::Own,
            strict: self.strict,
        }
    }

    pub(super) fn wrong(&self, problem: impl fmt::Display) -> FileError {
        FileError::mismatch(&self.path, problem)
    }

    /// A tensor whose element type was checked.
    pub(super) fn read<T: Real>(&self, name: &str, info: &TensorInfo) -> Result<Tensor<T>, FileError> {
        self.container.tensor(&self.path, name, info)
    }
}

/// Whether the elements are integers or booleans.
fn is_integer(dtype: Dtype) -> bool {
    use Dtype::{BOOL, I8, I16, I32, I64, U8, U16, U32, U64};
    matches!(dtype, BOOL | U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64)
}

impl fmt::Debug for WeightFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeightFile").field("path", &self.path).field("names", &self.header.tensors.keys()).finish()
    }
}
