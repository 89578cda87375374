//! What is to be saved: named tensors, numbers and texts.

use super::disk::replace;
use super::error::FileError;
use super::foreign::LONGEST;
use super::header::METADATA;
use super::keras::KerasState;
use super::torch::TorchState;
use super::weight_map::{WeightMap, leaves};
use crate::optim::state_dict::StateDict;
use crate::tuning::FILE_CHUNK;
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use unspool_autograd::{Params, Path as Place, Real, Tensor};

/// Named tensors, numbers and texts that are saved together, in one safetensors file: the weights of models, the state of
/// an optimiser, the step that a training has come to. [`WeightFile`](crate::io::WeightFile) reads them.
///
/// Models stand under a prefix: the leaves of what is put under `"model"` are named `model.cell.x.weight`. A checkpoint
/// shares the memory of the tensors put into it, and keeps their values if they are changed afterwards.
///
/// ```
/// use unspool_nn::rng;
/// use unspool_nn::cells::Gru;
/// use unspool_nn::io::{Checkpoint, WeightFile};
/// use unspool_nn::recurrent::Recurrent;
/// use unspool_autograd::{Tensor, ParamsExt};
/// # let path = std::env::temp_dir().join(format!("checkpoint-{}.safetensors", std::process::id()));
/// let mut model: Recurrent<Gru<Tensor>> = Recurrent::new(Gru::new(&mut rng(0), 3, 5));
/// let mean = model.zeros_like(); // of an optimiser, for example
///
/// let mut checkpoint = Checkpoint::new();
/// checkpoint.put_model("model", &model);
/// checkpoint.put_model("mean", &mean);
/// checkpoint.put_numbers("epoch and step", &[3, 1200]);
/// checkpoint.put_text("config", r#"{"inputs": 3, "hidden": 5}"#);
/// checkpoint.save(&path)?;
///
/// let file = WeightFile::open(&path)?;
/// let [epoch, step] = file.numbers("epoch and step")?;
/// file.load("model", &mut model)?;
/// assert_eq!((epoch, step), (3, 1200));
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), unspool_nn::io::FileError>(())
/// ```
#[derive(Default)]
pub struct Checkpoint {
    tensors: BTreeMap<String, Box<dyn Stored>>,
    texts: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the leaves of `model` under `prefix`; with `""`, under their own names.
    ///
    /// # Panics
    /// If a name is taken.
    #[track_caller]
    pub fn put_model<T: Real, M: Params<Tensor<T>>>(&mut self, prefix: &str, model: &M) {
        self.put_with(prefix, model, leaves);
    }

    /// Puts `model` under `prefix` as PyTorch would name and shape its weights: see [`TorchState`].
    ///
    /// # Panics
    /// If a name is taken.
    #[track_caller]
    pub fn put_torch<T: Real, M: Params<Tensor<T>> + TorchState>(&mut self, prefix: &str, model: &M) {
        self.put_with(prefix, model, M::torch);
    }

    /// Puts `model` under `prefix` as Keras would name and shape its weights: see [`KerasState`].
    ///
    /// # Panics
    /// If a name is taken.
    #[track_caller]
    pub fn put_keras<T: Real, M: Params<Tensor<T>> + KerasState>(&mut self, prefix: &str, model: &M) {
        self.put_with(prefix, model, M::keras);
    }

    /// Puts `model` under `prefix` with the names and shapes of your choice: `exchange` hands each of its weights to the
    /// [`WeightMap`].
    ///
    /// # Panics
    /// If a name is taken.
    #[track_caller]
    pub fn put_with<T: Real, M: Params<Tensor<T>>>(
        &mut self,
        prefix: &str,
        model: &M,
        exchange: impl FnOnce(&mut M, &mut WeightMap<'_>),
    ) {
        let mut dict = WeightMap::writing(self, prefix);
        exchange(&mut shared(model), &mut dict);
        assert!(dict.taken.is_none(), "Checkpoint: the name {:?} is taken", dict.taken.unwrap_or_default());
    }

    /// Puts one tensor.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn put_tensor<T: Real>(&mut self, name: &str, tensor: &Tensor<T>) {
        self.put(name, Box::new(tensor.clone()));
    }

    /// Puts what an optimiser, a callback or an average remembers under `prefix`; its numbers as the 64 bits that they have in
    /// memory.
    ///
    /// ```
    /// use unspool_nn::rng;
    /// use unspool_nn::io::{Checkpoint, WeightFile};
    /// use unspool_nn::layers::Dense;
    /// use unspool_nn::optim::{Adam, Optimizer};
    /// use unspool_autograd::Tensor;
    /// # let path = std::env::temp_dir().join(format!("memory-{}.safetensors", std::process::id()));
    /// let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 3, 5);
    /// let mut adam = Adam::default();
    /// let gradients = model.clone();
    /// adam.step(&mut model, &gradients);
    /// let mut checkpoint = Checkpoint::new();
    /// checkpoint.put_model("model", &model);
    /// checkpoint.put_state("optimizer", &adam.state_dict());
    /// checkpoint.save(&path)?;
    ///
    /// let file = WeightFile::open(&path)?;
    /// file.load("model", &mut model)?;
    /// let mut resumed = Adam::default();
    /// resumed.load_state_dict(&model, &file.state_dict("optimizer")?)?;
    /// assert_eq!(resumed.state_dict(), adam.state_dict());
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// If a name is taken.
    #[track_caller]
    pub fn put_state<T: Real>(&mut self, prefix: &str, memory: &StateDict<T>) {
        for (name, tensor) in &memory.tensors {
            self.put_tensor(&format!("{prefix}.{name}"), tensor);
        }
        for (name, number) in &memory.numbers {
            self.put_numbers(&format!("{prefix}.{name}"), &[number.to_bits()]);
        }
    }

    /// Puts whole numbers: counts, seeds, the state of a generator.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn put_numbers(&mut self, name: &str, numbers: &[u64]) {
        self.put(name, Box::new(numbers.to_vec()));
    }

    /// Puts a text into the file's metadata, as `config` for example the JSON of what the model was made with. Texts have
    /// names of their own; `unspool` is the version of this library, and is put by [`save`](Checkpoint::save).
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn put_text(&mut self, name: &str, text: impl Into<String>) {
        assert!(self.insert_text(name, text), "Checkpoint: the name {name:?} is taken");
    }

    #[track_caller]
    fn put(&mut self, name: &str, tensor: Box<dyn Stored>) {
        assert!(self.insert(name, tensor), "Checkpoint: the name {name:?} is taken");
    }

    /// Puts something, and says whether its name was free.
    pub(super) fn insert(&mut self, name: &str, tensor: Box<dyn Stored>) -> bool {
        name != METADATA && self.tensors.insert(name.to_owned(), tensor).is_none()
    }

    pub(super) fn insert_text(&mut self, name: &str, text: impl Into<String>) -> bool {
        name != VERSION && self.texts.insert(name.to_owned(), text.into()).is_none()
    }

    /// Saves everything to the file at `path`.
    ///
    /// The file is written beside `path`, flushed to the disk, and takes the place of what was there: a kill or a power cut
    /// at any moment leaves the old file or the new one. The same contents have the same bytes.
    ///
    /// # Errors
    /// If the system cannot write the file. What was at `path` before is then still there, and nothing else.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        replace(path.as_ref(), |out| self.write(out))
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        // As the format has it: the widest elements first, so that all are aligned, then by name.
        let mut tensors: Vec<(&String, &dyn Stored)> = self.tensors.iter().map(|(name, t)| (name, &**t as _)).collect();
        tensors.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype()));

        // Written here and not by the crate, which would hold all bytes of the file in memory and order texts at random.
        let mut texts: BTreeMap<&str, &str> = self.texts.iter().map(|(k, v)| (&**k, &**v)).collect();
        texts.insert(VERSION, env!("CARGO_PKG_VERSION"));
        let mut header = format!("{{\"{METADATA}\":{}", json(&texts));
        let mut end = 0;
        for (name, tensor) in &tensors {
            let (shape, start) = (tensor.shape(), end);
            end += shape.iter().product::<usize>() * tensor.dtype().bitsize() / 8;
            let info = TensorInfo { dtype: tensor.dtype(), shape, data_offsets: (start, end) };
            header += &format!(",{}:{}", json(name), json(&info));
        }
        header.push('}');
        while !header.len().is_multiple_of(8) {
            header.push(' ');
        }
        if header.len() as u64 > LONGEST {
            let sentence =
                format!("the names and texts take {} bytes, and at most {LONGEST} are allowed", header.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, sentence));
        }

        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        tensors.iter().try_for_each(|(_, tensor)| tensor.write(out))
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shapes: BTreeMap<_, _> = self.tensors.iter().map(|(name, tensor)| (name, tensor.shape())).collect();
        f.debug_struct("Checkpoint").field("shapes", &shapes).field("texts", &self.texts).finish()
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers are JSON")
}

/// The text that holds the version of this library.
const VERSION: &str = "unspool";

/// The model once more, with the same memory.
pub(crate) fn shared<T: Real, M: Params<Tensor<T>>>(model: &M) -> M {
    let there = model.map_leaves(Place::ROOT, &mut |_, leaf| leaf.clone());
    there.map_leaves(Place::ROOT, &mut |_, leaf| leaf.clone())
}

/// Something with a name in a checkpoint.
pub(super) trait Stored: Send + Sync {
    fn dtype(&self) -> Dtype;
    fn shape(&self) -> Vec<usize>;
    fn write(&self, out: &mut dyn Write) -> io::Result<()>;
}

impl<T: Real> Stored for Tensor<T> {
    fn dtype(&self) -> Dtype {
        dtype::<T>()
    }

    fn shape(&self) -> Vec<usize> {
        Tensor::shape(self).to_vec()
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let values = self.contiguous();
        let mut bytes = [0; FILE_CHUNK];
        for values in values.as_slice().expect("contiguous").chunks(FILE_CHUNK / size_of::<T>()) {
            let bytes = &mut bytes[..size_of_val(values)];
            T::to_bytes(values, bytes);
            out.write_all(bytes)?;
        }
        Ok(())
    }
}

impl Stored for Vec<u64> {
    fn dtype(&self) -> Dtype {
        Dtype::U64
    }

    fn shape(&self) -> Vec<usize> {
        vec![self.len()]
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))
    }
}

/// The format's name for an element type.
pub(super) fn dtype<T: Real>() -> Dtype {
    if size_of::<T>() == 4 { Dtype::F32 } else { Dtype::F64 }
}
