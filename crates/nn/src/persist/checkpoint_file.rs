//! What was saved.

use super::checkpoint::shared;
use super::error::FileError;
use super::header::{Header, type_name};
use super::keras::KerasState;
use super::source::{Source, holds};
use super::state_dict::{StateDict, leaves};
use super::torch::TorchState;
use crate::memory::Memory;
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use std::fmt;
use std::path::{Path, PathBuf};
use unspool_autograd::{MAX_RANK, Params, Real, Shape, Tensor};

/// An open safetensors file: one that [`Checkpoint`](crate::Checkpoint) saved, or another program.
///
/// Opening reads and checks the header alone; each tensor is read when it is asked for. A file that is replaced
/// meanwhile is read to its end as it was.
///
/// With the feature `npy`, NumPy's npz files are read as well. They are held in memory, as they are in the file.
///
/// See [`Checkpoint`](crate::Checkpoint) for an example. A training goes on from where it was; if any part of the file does
/// not fit, everything stays as it is:
///
/// ```
/// use unspool_nn::{rng, Checkpoint, CheckpointFile, Dense};
/// use unspool_autograd::{Tensor, Weights};
/// # let path = std::env::temp_dir().join(format!("resume-{}.safetensors", std::process::id()));
/// # let saved: Dense<Tensor> = Dense::new(&mut rng(1), 3, 2);
/// # let mut checkpoint = Checkpoint::new();
/// # checkpoint.put_model("model", &saved);
/// # checkpoint.put_model("mean", &saved.zeros_like());
/// # checkpoint.save(&path)?;
/// let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 3, 2);
/// let mut mean = model.zeros_like();
/// let file = CheckpointFile::open(&path)?;
/// let (mut next, mut next_mean) = (model.clone(), mean.clone());
/// file.load("model", &mut next)?;
/// file.load("mean", &mut next_mean)?;
/// (model, mean) = (next, next_mean);
/// # assert_eq!(model.weight, saved.weight);
/// # assert_eq!(mean.weight, saved.zeros_like().weight);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool_nn::FileError>(())
/// ```
pub struct CheckpointFile {
    path: PathBuf,
    header: Header,
    source: Source,
}

impl CheckpointFile {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// If there is none, or it is not a valid safetensors or npz file: cut short, too long, or with a header that
    /// contradicts itself.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref().to_owned();
        let (header, source) = Source::open(&path)?;
        Ok(CheckpointFile { path, header, source })
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
    /// or if the file cannot be read. The model is then unchanged.
    pub fn load<T: Real, M: Params<Tensor<T>>>(&self, prefix: &str, model: &mut M) -> Result<(), FileError> {
        self.load_with(prefix, model, leaves)
    }

    /// Loads `model` from under `prefix`, where its weights are as PyTorch names and shapes them: see [`TorchState`].
    ///
    /// # Errors
    /// Those of [`load`](CheckpointFile::load).
    pub fn load_torch<T: Real, M>(&self, prefix: &str, model: &mut M) -> Result<(), FileError>
    where
        M: Params<Tensor<T>> + TorchState,
    {
        self.load_with(prefix, model, M::torch)
    }

    /// Loads `model` from under `prefix`, where its weights are as Keras names and shapes them: see [`KerasState`].
    ///
    /// # Errors
    /// Those of [`load`](CheckpointFile::load).
    pub fn load_keras<T: Real, M>(&self, prefix: &str, model: &mut M) -> Result<(), FileError>
    where
        M: Params<Tensor<T>> + KerasState,
    {
        self.load_with(prefix, model, M::keras)
    }

    /// Loads `model` from under `prefix`, where its weights have the names and shapes that `exchange` hands to the
    /// [`StateDict`]. It is called twice: to check, then to read.
    ///
    /// # Errors
    /// Those of [`load`](CheckpointFile::load).
    pub fn load_with<T: Real, M: Params<Tensor<T>>>(
        &self,
        prefix: &str,
        model: &mut M,
        mut exchange: impl FnMut(&mut M, &mut StateDict<'_>),
    ) -> Result<(), FileError> {
        let mut loaded = shared(model);
        for mut pass in [StateDict::checking(self, prefix), StateDict::reading(self, prefix)] {
            exchange(&mut loaded, &mut pass);
            pass.finish()?;
        }
        *model = loaded;
        Ok(())
    }

    /// One tensor. Half precision, `f16` and `bf16`, becomes the type that is asked for, which has all of its numbers.
    ///
    /// # Errors
    /// If there is none of this name and element type, it has more axes than a tensor can have or more elements than there
    /// is memory for, or the file cannot be read.
    pub fn tensor<T: Real>(&self, name: &str) -> Result<Tensor<T>, FileError> {
        let info = self.entry(name, holds::<T>, T::NAME)?;
        let addressable = info.shape.len() <= MAX_RANK && shape_of(info).is_addressable::<T>();
        if !addressable || Vec::<T>::new().try_reserve_exact(info.shape.iter().product()).is_err() {
            let shape = &info.shape;
            return Err(
                self.wrong(format_args!("holds {name:?} of shape {shape:?}, which is more than a tensor can hold"))
            );
        }
        self.read(name, info)
    }

    /// Numbers, as many as are asked for.
    ///
    /// # Errors
    /// If there are none of this name, or not as many, or the file cannot be read.
    pub fn numbers<const N: usize>(&self, name: &str) -> Result<[u64; N], FileError> {
        let info = self.entry(name, |dtype| dtype == Dtype::U64, "u64")?;
        if info.shape != [N] {
            let shape = &info.shape;
            return Err(self.wrong(format_args!("holds {name:?} of shape {shape:?}, expected [{N}]")));
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

    /// What [`put_memory`](crate::Checkpoint::put_memory) has put under `prefix`; empty if there is nothing.
    ///
    /// # Errors
    /// If there is something else under `prefix`, or tensors of another element type, or the file cannot be read.
    pub fn memory<T: Real>(&self, prefix: &str) -> Result<Memory<T>, FileError> {
        let mut memory = Memory::new();
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
            None => Err(self.wrong(format_args!("has nothing under the name {name:?}"))),
            Some(info) if !fits(info.dtype) => {
                let got = type_name(info.dtype);
                Err(self.wrong(format_args!("holds {name:?} as {got}, expected {expected}")))
            }
            Some(info) => Ok(info),
        }
    }

    pub(super) fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.header.tensors.get(name)
    }

    pub(super) fn wrong(&self, problem: impl fmt::Display) -> FileError {
        FileError::new(&self.path, problem)
    }

    /// A tensor whose element type and shape were checked.
    pub(super) fn read<T: Real>(&self, name: &str, info: &TensorInfo) -> Result<Tensor<T>, FileError> {
        self.source.tensor(&self.path, name, info)
    }
}

/// The shape of an entry that has no more axes than a tensor can have.
fn shape_of(info: &TensorInfo) -> Shape {
    info.shape.iter().copied().collect()
}

impl fmt::Debug for CheckpointFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointFile").field("path", &self.path).field("names", &self.header.tensors.keys()).finish()
    }
}
