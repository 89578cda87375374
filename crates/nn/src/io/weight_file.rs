//! What was saved.

use super::checkpoint::shared;
use super::error::FileError;
use super::header::{Header, type_name};
use super::incompatible::IncompatibleKeys;
use super::keras::KerasState;
use super::source::{Source, holds};
use super::torch::TorchState;
use super::weight_map::{WeightMap, leaves};
use crate::optim::state_dict::StateDict;
use crate::sentence::{quoted, sizes};
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use std::fmt;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use unspool_autograd::{Params, Real, Tensor};

/// An open safetensors file: one that [`Checkpoint`](crate::io::Checkpoint) saved, or another program.
///
/// Opening reads and checks the header alone; each tensor is read when it is asked for. A file that is replaced
/// meanwhile is read to its end as it was.
///
/// With the feature `npy`, NumPy's npz files are read as well. They are held in memory, as they are in the file. What is no
/// array of numbers in one (texts, objects, other files) has no name here, and is an error where it is asked for.
///
/// See [`Checkpoint`](crate::io::Checkpoint) for an example. A training goes on from where it was; if any part of the file does
/// not fit, everything stays as it is:
///
/// ```
/// use unspool_nn::rng;
/// use unspool_nn::io::{Checkpoint, WeightFile};
/// use unspool_nn::layers::Dense;
/// use unspool_autograd::{Tensor, ParamsExt};
/// # let path = std::env::temp_dir().join(format!("resume-{}.safetensors", std::process::id()));
/// # let saved: Dense<Tensor> = Dense::new(&mut rng(1), 3, 2);
/// # let mut checkpoint = Checkpoint::new();
/// # checkpoint.put_model("model", &saved);
/// # checkpoint.put_model("mean", &saved.zeros_like());
/// # checkpoint.save(&path)?;
/// let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 3, 2);
/// let mut mean = model.zeros_like();
/// let file = WeightFile::open(&path)?;
/// let (mut next, mut next_mean) = (model.clone(), mean.clone());
/// file.load("model", &mut next)?;
/// file.load("mean", &mut next_mean)?;
/// (model, mean) = (next, next_mean);
/// # assert_eq!(model.weight, saved.weight);
/// # assert_eq!(mean.weight, saved.zeros_like().weight);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool_nn::io::FileError>(())
/// ```
pub struct WeightFile {
    path: PathBuf,
    header: Header,
    source: Source,
    strict: bool,
}

impl WeightFile {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// If there is none, or it is not a valid safetensors or npz file: cut short, too long, or with a header that
    /// contradicts itself.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref().to_owned();
        let (header, source) = Source::open(&path)?;
        Ok(WeightFile { path, header, source, strict: true })
    }

    /// Whether a model and the file must have the same names, as at first: whether, in loading, it is an error if one has a
    /// name that the other has not. Otherwise the weights that the file has not are left as they are, and what it has besides
    /// is ignored; both are listed, as by PyTorch's `load_state_dict(.., strict=False)`.
    ///
    /// ```
    /// use unspool_nn::rng;
    /// use unspool_nn::io::{WeightFile, save_torch};
    /// use unspool_nn::layers::{Dense, Embedding};
    /// use unspool_autograd::Tensor;
    /// # use unspool_autograd::{Params, Real};
    /// # use unspool_nn::io::{WeightMap, TorchState};
    /// # #[derive(Params)]
    /// # #[params(crate = unspool_autograd)]
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
    /// # let mut checkpoint = unspool_nn::io::Checkpoint::new();
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
    /// # Ok::<(), unspool_nn::io::FileError>(())
    /// ```
    ///
    /// An error nevertheless: other shapes and element types, a file that has nothing of the model, and one of two tensors
    /// that hold a weight together (`bias_ih` without `bias_hh`). A bias that is missing with all of its layer is left as it
    /// is; without the rest, as of a layer without bias, it is zero.
    ///
    /// Buffers of whole numbers, such as `num_batches_tracked` of PyTorch's `nn.BatchNorm1d`, are no weights: they are ignored
    /// in any case, and listed.
    pub fn strict(self, strict: bool) -> Self {
        WeightFile { strict, ..self }
    }

    /// The names of all tensors and numbers, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.header.tensors.keys().map(String::as_str)
    }

    /// A text of the file's metadata, if it is there.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.header.texts.get(name).map(String::as_str)
    }

    /// Loads the leaves of `model` from under `prefix`; with `""`, from the whole file.
    ///
    /// # Errors
    /// If names are missing, or there are others under `prefix`, or shapes or element types differ, all of which are listed;
    /// or if the file cannot be read, or there is no memory for the weights beside those of the model. The model is then
    /// unchanged. See [`strict`](WeightFile::strict).
    pub fn load<T: Real, M>(&self, prefix: &str, model: &mut M) -> Result<IncompatibleKeys, FileError>
    where
        M: Params<Tensor<T>>,
    {
        self.load_with(prefix, model, leaves)
    }

    /// Loads `model` from under `prefix`, where its weights are as PyTorch names and shapes them: see [`TorchState`].
    ///
    /// # Errors
    /// Those of [`load`](WeightFile::load).
    pub fn load_torch<T: Real, M>(&self, prefix: &str, model: &mut M) -> Result<IncompatibleKeys, FileError>
    where
        M: Params<Tensor<T>> + TorchState,
    {
        self.load_with(prefix, model, M::torch)
    }

    /// Loads `model` from under `prefix`, where its weights are as Keras names and shapes them: see [`KerasState`].
    ///
    /// # Errors
    /// Those of [`load`](WeightFile::load).
    pub fn load_keras<T: Real, M>(&self, prefix: &str, model: &mut M) -> Result<IncompatibleKeys, FileError>
    where
        M: Params<Tensor<T>> + KerasState,
    {
        self.load_with(prefix, model, M::keras)
    }

    /// Loads `model` from under `prefix`, where its weights have the names and shapes that `exchange` hands to the
    /// [`WeightMap`]. It is called twice: to check, then to read.
    ///
    /// # Errors
    /// Those of [`load`](WeightFile::load).
    pub fn load_with<T: Real, M: Params<Tensor<T>>>(
        &self,
        prefix: &str,
        model: &mut M,
        mut exchange: impl FnMut(&mut M, &mut WeightMap<'_>),
    ) -> Result<IncompatibleKeys, FileError> {
        let mut loaded = shared(model);
        let mut check = WeightMap::checking(self, prefix);
        exchange(&mut loaded, &mut check);
        let incompatible = check.finish()?;
        let mut read = WeightMap::reading(self, prefix);
        exchange(&mut loaded, &mut read);
        read.finish()?;
        *model = loaded;
        Ok(incompatible)
    }

    /// One tensor. Half precision, `f16` and `bf16`, becomes the type that is asked for, which has all of its numbers.
    ///
    /// # Errors
    /// If there is none of this name and element type, it has more axes than a tensor can have or more elements than there
    /// is memory for, or the file cannot be read.
    pub fn tensor<T: Real>(&self, name: &str) -> Result<Tensor<T>, FileError> {
        let info = self.entry(name, holds::<T>, T::NAME)?;
        self.read(name, info)
    }

    /// Numbers, as many as are asked for.
    ///
    /// # Errors
    /// If there are none of this name, or not as many, or the file cannot be read.
    pub fn numbers<const N: usize>(&self, name: &str) -> Result<[u64; N], FileError> {
        let info = self.entry(name, |dtype| dtype == Dtype::U64, "u64")?;
        if info.shape != [N] {
            let (name, shape) = (quoted(name), sizes(&info.shape));
            return Err(self.wrong(format_args!("holds {name} of shape {shape}, expected [{N}]")));
        }
        let mut numbers = [0; N];
        let mut rest = numbers.iter_mut();
        self.source.bytes(&self.path, name, info, |bytes| {
            for (number, bytes) in rest.by_ref().zip(bytes.as_chunks().0) {
                *number = u64::from_le_bytes(*bytes);
            }
        })?;
        Ok(numbers)
    }

    /// What [`put_state`](crate::io::Checkpoint::put_state) has put under `prefix`; empty if there is nothing.
    ///
    /// # Errors
    /// If there is something else under `prefix`, or tensors of another element type, or the file cannot be read.
    pub fn state_dict<T: Real>(&self, prefix: &str) -> Result<StateDict<T>, FileError> {
        let mut memory = StateDict::new();
        for (name, info) in &self.header.tensors {
            let Some(rest) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.')) else { continue };
            if info.dtype == Dtype::U64 {
                let [bits] = self.numbers(name)?;
                memory.numbers.insert(rest.to_owned(), f64::from_bits(bits));
            } else {
                memory.tensors.insert(rest.to_owned(), self.tensor(name)?);
            }
        }
        Ok(memory)
    }

    /// The entry of this name, if it is of the type that is expected.
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

    /// The entry of this name, or the one that the metadata says this name stands for: of weights that share their memory,
    /// safetensors' `save_model` keeps one.
    pub(super) fn find(&self, name: &str) -> Option<(&str, &TensorInfo)> {
        let tensors = &self.header.tensors;
        let (name, info) = tensors.get_key_value(name).or_else(|| tensors.get_key_value(self.text(name)?))?;
        Some((name, info))
    }

    /// Why a name that is in the file is none of its tensors.
    pub(super) fn not_numbers(&self, name: &str) -> Option<String> {
        match self.info(name) {
            Some(_) => None,
            None => self.source.not_numbers(name),
        }
    }

    pub(super) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Whether an entry could be the weights of some layer.
    pub(super) fn holds_floats(&self, name: &str) -> bool {
        !self.info(name).is_some_and(|info| is_whole(info.dtype))
    }

    /// Whether there is something of a layer whose names begin and end like this.
    pub(super) fn holds_any(&self, prefix: &str, suffix: &str) -> bool {
        let names =
            self.header.tensors.range::<str, _>((Bound::Included(prefix), Bound::Unbounded)).map(|(name, _)| name);
        names.take_while(|name| name.starts_with(prefix)).any(|name| name.ends_with(suffix))
    }

    pub(super) fn wrong(&self, problem: impl fmt::Display) -> FileError {
        FileError::new(&self.path, problem)
    }

    /// A tensor whose element type was checked.
    pub(super) fn read<T: Real>(&self, name: &str, info: &TensorInfo) -> Result<Tensor<T>, FileError> {
        self.source.tensor(&self.path, name, info)
    }
}

/// Whether these are whole numbers or truth values.
fn is_whole(dtype: Dtype) -> bool {
    use Dtype::{BOOL, I8, I16, I32, I64, U8, U16, U32, U64};
    matches!(dtype, BOOL | U8 | I8 | U16 | I16 | U32 | I32 | U64 | I64)
}

impl fmt::Debug for WeightFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeightFile").field("path", &self.path).field("names", &self.header.tensors.keys()).finish()
    }
}
