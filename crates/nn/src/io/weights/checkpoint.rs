//! The contents of a safetensors file to be saved.

use super::safetensors_header::{METADATA, dtype};
use crate::io::chunks::write_elements;
use crate::io::error::FileError;
use crate::io::files::replace;
use crate::io::wrong_format::MAX_SAFETENSORS_HEADER;
use crate::optim::state_dict::StateDict;
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use unspool_autograd::{Real, Tensor};

/// Named tensors, numbers and texts to be saved together in one safetensors file: the weights of
/// models, the state of an optimizer, the step that training has reached.
/// [`WeightFile`](crate::io::WeightFile) reads them.
///
/// Each model has a prefix: the weights of a model put under `"model"` are named
/// `model.cell.x.weight`. A checkpoint shares the memory of the tensors put into it
/// (copy-on-write): it keeps their values even if the model changes afterwards.
///
/// ```
/// use unspool::io::{Checkpoint, WeightFile};
/// use unspool::prelude::*;
/// # let path = std::env::temp_dir().join(format!("checkpoint-{}.safetensors", std::process::id()));
/// let mut model: Recurrent<Gru<Tensor>> = Recurrent::new(Gru::new(&mut rng(0), 3, 5));
/// let mean = model.zeros_like(); // such as an optimizer's
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
/// # Ok::<(), unspool::io::FileError>(())
/// ```
#[cfg(feature = "safetensors")]
#[derive(Default)]
pub struct Checkpoint {
    tensors: BTreeMap<String, Box<dyn Stored>>,
    texts: BTreeMap<String, String>,
}

impl Checkpoint {
    /// An empty checkpoint.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a single tensor.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn put_tensor<T: Real>(&mut self, name: &str, tensor: &Tensor<T>) {
        self.put(name, Box::new(tensor.clone()));
    }

    /// Puts the state of an optimizer, a callback or an average under `prefix`. Its scalars are
    /// stored bit for bit.
    ///
    /// ```
    /// use unspool::io::{Checkpoint, WeightFile};
    /// use unspool::prelude::*;
    /// # let path = std::env::temp_dir().join(format!("state-{}.safetensors", std::process::id()));
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
    pub fn put_state<T: Real>(&mut self, prefix: &str, state: &StateDict<T>) {
        for (name, tensor) in &state.tensors {
            self.put_tensor(&format!("{prefix}.{name}"), tensor);
        }
        for (name, number) in &state.numbers {
            self.put_numbers(&format!("{prefix}.{name}"), &[number.to_bits()]);
        }
    }

    /// Puts integers: counts, seeds, the state of a random number generator.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn put_numbers(&mut self, name: &str, numbers: &[u64]) {
        self.put(name, Box::new(numbers.to_vec()));
    }

    /// Puts a text into the file's metadata: as `config`, for example, the model's settings in
    /// JSON. A text may have the same name as a tensor. The name `unspool` is reserved for the
    /// version of this library, which [`save`](Checkpoint::save) adds.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn put_text(&mut self, name: &str, text: impl Into<String>) {
        ensure!(self.insert_text(name, text), "Checkpoint: the name {name:?} is taken");
    }

    #[track_caller]
    fn put(&mut self, name: &str, tensor: Box<dyn Stored>) {
        ensure!(self.insert(name, tensor), "Checkpoint: the name {name:?} is taken");
    }

    /// Puts a tensor, and returns whether its name was free.
    pub(super) fn insert(&mut self, name: &str, tensor: Box<dyn Stored>) -> bool {
        name != METADATA && self.tensors.insert(name.to_owned(), tensor).is_none()
    }

    /// Puts a text, and returns whether its name was free.
    pub(super) fn insert_text(&mut self, name: &str, text: impl Into<String>) -> bool {
        name != VERSION && self.texts.insert(name.to_owned(), text.into()).is_none()
    }

    /// Saves everything to the file at `path`.
    ///
    /// The file is written next to `path`, flushed to disk, and then renamed over the old file: a
    /// kill or a power failure at any moment leaves either the old file or the new one. Equal
    /// contents give equal bytes.
    ///
    /// # Errors
    /// If the system cannot write the file. The old file is then unchanged.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        let path = path.as_ref();
        replace(path, |out| self.write(out)).map_err(FileError::cannot_save(path))
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        // In the format's order: the widest elements first, so that all are aligned, then by name.
        let mut tensors: Vec<(&String, &dyn Stored)> = self.tensors.iter().map(|(name, t)| (name, &**t as _)).collect();
        tensors.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype()));

        // Not written by the safetensors crate, which would hold the whole file in memory and order
        // texts at random.
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
        if header.len() as u64 > MAX_SAFETENSORS_HEADER {
            let sentence = format!(
                "the names and texts take {} bytes, and at most {MAX_SAFETENSORS_HEADER} are allowed",
                header.len()
            );
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

/// The name of the text with the version of this library.
const VERSION: &str = "unspool";

/// What can be stored under a name in a checkpoint.
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
        write_elements(self, out)
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
