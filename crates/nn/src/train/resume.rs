//! Saving where a training stands, and going on from there.

use super::error::FitError;
use super::fit::Fit;
use super::training_loop::{Place, Training};
use crate::io::files::try_replace;
use crate::io::{Checkpoint, FileError, WeightFile, shallow_clone};
use crate::layers::layer::Model;
use crate::losses::loss::Loss;
use crate::optim::optimizer::Optimizer;
use crate::optim::state_dict::{StateDict, StateDictError};
use crate::train::history::History;
use std::path::{Path, PathBuf};
use unspool_autograd::{Real, Scalar, Tensor};

/// Where checkpoints are.
#[derive(Default)]
pub(super) struct Files {
    checkpoint: Option<PathBuf>,
    /// Steps from one to the next.
    pub every: Option<usize>,
    resume: Option<PathBuf>,
}

impl Files {
    /// A file that cannot be written would show after hours, at the first checkpoint.
    pub fn try_checkpoint(&self) -> Result<(), FitError> {
        let cannot = |path: &Path, error| FitError::Checkpoint(format!("cannot save {}: {error}", path.display()));
        self.checkpoint.as_ref().map_or(Ok(()), |path| try_replace(path).map_err(|error| cannot(path, error)))
    }
}

impl<T: Scalar, M, L, O> Fit<'_, T, M, L, O> {
    /// Saves all that the rest of the training depends on to this file, after each epoch and when it is
    /// [interrupted](crate::train::Interrupt): the model, what optimiser and callbacks [remember](crate::optim::StateDict), the history, and the step that
    /// training has come to. The order of examples and what dropout leaves out need not be saved: they depend on the seed
    /// and the step alone.
    ///
    /// The file is replaced as a whole: a kill at any moment leaves the one before. Whether it can be written is tried before
    /// training. The model in it is read by `WeightFile::open(path)?.load("model", &mut model)`, too.
    ///
    /// ```
    /// use unspool_nn::data::Dataset;
    /// use unspool_nn::layers::{dense, sequential};
    /// use unspool_nn::losses::mse;
    /// use unspool_nn::train::fit;
    /// use unspool_autograd::Tensor;
    /// # let path = std::env::temp_dir().join(format!("fit-{}.safetensors", std::process::id()));
    /// let train = Dataset::new(Tensor::<f32>::ones([64, 3]), Tensor::zeros([64, 1]))?;
    /// let mut straight = sequential().add(dense(3, 1));
    /// fit(&mut straight, &train).loss(mse).epochs(5).quiet().run()?;
    ///
    /// let mut model = sequential().add(dense(3, 1));
    /// fit(&mut model, &train).loss(mse).epochs(2).checkpoint(&path).quiet().run()?;
    /// let mut resumed = sequential().add(dense(3, 1));
    /// let history = fit(&mut resumed, &train).loss(mse).epochs(5).resume(&path).quiet().run()?;
    /// assert_eq!(history.loss.len(), 5);
    /// assert_eq!(resumed.layers.layer.weight, straight.layers.layer.weight);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn checkpoint(mut self, path: impl AsRef<Path>) -> Self {
        self.settings.files.checkpoint = Some(path.as_ref().to_owned());
        self
    }

    /// Saves the [`checkpoint`](Fit::checkpoint) after every so many steps, too.
    ///
    /// # Panics
    /// If `steps` is 0, or no file was told before.
    #[track_caller]
    pub fn checkpoint_every(mut self, steps: usize) -> Self {
        assert!(steps > 0, "checkpoint_every: 0 steps: it must be at least 1");
        let files = &mut self.settings.files;
        assert!(files.checkpoint.is_some(), "checkpoint_every: there is no file to save to: `checkpoint` comes before");
        files.every = Some(steps);
        self
    }

    /// Goes on where the training stood that saved this [`checkpoint`](Fit::checkpoint), one of the same program: it ends
    /// in the same bits as if it had not been interrupted. The number of epochs may be another, and so may be settings that
    /// the file does not hold, such as learning rates. What a callback has ended stays ended.
    ///
    /// [`run`](Fit::run) then returns an error if the file cannot be read, or is that of another model or optimiser, other
    /// callbacks or metrics, another seed, batch size, order or number of examples: it says what differs, and the model is
    /// unchanged.
    pub fn resume(mut self, path: impl AsRef<Path>) -> Self {
        self.settings.files.resume = Some(path.as_ref().to_owned());
        self
    }
}

/// What must be the same, and cannot be seen from the other parts of a checkpoint.
const SETTINGS: [&str; 8] = [
    "seed",
    "batch size",
    "number of batches per step",
    "number of training examples",
    "number of validation examples",
    "order of examples",
    "number of metrics",
    "number of callbacks",
];

impl<T, M, L, O> Training<'_, '_, T, M, L, O>
where
    T: Real,
    M: for<'t> Model<'t, T> + Send + Sync,
    L: Loss<T> + Send,
    O: Optimizer<T, M> + Send,
{
    /// Those of this training.
    fn numbers(&self) -> [u64; SETTINGS.len()] {
        let settings = &self.settings;
        let counts = [
            settings.batch_size,
            settings.accumulate,
            self.train.len(),
            self.valid.map_or(0, |valid| valid.len()),
            settings.order as usize,
            settings.metrics.len(),
            settings.callbacks.len(),
        ];
        let mut numbers = [settings.seed; SETTINGS.len()];
        for (number, count) in numbers[1..].iter_mut().zip(counts) {
            *number = count as u64;
        }
        numbers
    }

    pub(super) fn save_checkpoint(&self) -> Result<(), FileError> {
        let Some(path) = &self.settings.files.checkpoint else { return Ok(()) };
        let mut checkpoint = Checkpoint::new();
        checkpoint.put_numbers("settings", &self.numbers());
        checkpoint.put_model("model", &*self.model);
        checkpoint.put_state("optimizer", &self.optimizer.state_dict());
        for (i, callback) in self.settings.callbacks.iter().enumerate() {
            checkpoint.put_state(&format!("callbacks.{i}"), &callback.state_dict());
        }
        checkpoint.put_state("training", &self.at.state_dict::<T>());
        checkpoint.put_state("history", &remember(&self.history));
        checkpoint.save(path)
    }

    /// Goes on from the checkpoint, if there is one to go on from.
    pub(super) fn resume(&mut self) -> Result<(), FitError> {
        let Some(path) = self.settings.files.resume.clone() else { return Ok(()) };
        let file = WeightFile::open(&path).map_err(sentence)?;
        let other = |what: String| FitError::Checkpoint(format!("{} is of another training: {what}", path.display()));
        let unfit = |what: &str| {
            let what = what.to_string();
            move |error: StateDictError| other(format!("of the {what}, {error}"))
        };

        let saved: [u64; SETTINGS.len()] = file.numbers("settings").map_err(sentence)?;
        let differ = SETTINGS.iter().zip(saved).zip(self.numbers()).filter(|((_, saved), now)| saved != now);
        let differ: Vec<_> =
            differ.map(|((name, saved), now)| format!("its {name} is {saved}, expected {now}")).collect();
        if !differ.is_empty() {
            return Err(other(differ.join("; ")));
        }
        let mut model = shallow_clone(&*self.model);
        file.load("model", &mut model).map_err(sentence)?;
        let batches = self.train.len().div_ceil(self.settings.batch_size);
        let at = file.state_dict::<T>("training").map_err(sentence)?;
        let at = Place::recall(&at, batches).map_err(unfit("training"))?;
        let history = file.state_dict::<f64>("history").map_err(sentence)?;
        let history = self.recall(&history, at.epochs).map_err(unfit("history"))?;

        let memory = file.state_dict("optimizer").map_err(sentence)?;
        self.optimizer.load_state_dict(&model, &memory).map_err(unfit("optimiser"))?;
        for (i, callback) in self.settings.callbacks.iter_mut().enumerate() {
            let memory = file.state_dict(&format!("callbacks.{i}")).map_err(sentence)?;
            callback.load_state_dict(&model, &memory).map_err(unfit(&format!("callback {i}")))?;
        }
        *self.model = model;
        (self.at, self.history) = (at, history);
        Ok(())
    }

    /// The history of so many epochs.
    fn recall(&self, memory: &StateDict<f64>, epochs: usize) -> Result<History, StateDictError> {
        let mut reader = memory.reader();
        let mut curve = |name: &str, known: bool| {
            let values = (known && epochs > 0).then(|| reader.tensor(name, [epochs].into()));
            values.flatten().map(|values| values.to_vec()).unwrap_or_default()
        };
        let (loss, val_loss) = (curve("loss", true), curve("val_loss", self.valid.is_some()));
        let learning_rate = curve("learning_rate", self.optimizer.current_learning_rate().is_some());
        let names = self.metric_names();
        let metrics = names.into_iter().map(|name| (curve(&format!("metrics.{name}"), true), name));
        let metrics = metrics.map(|(values, name)| (name, values)).filter(|(_, values)| !values.is_empty()).collect();
        let seconds = reader.number("seconds").unwrap_or_default();
        reader.finish()?;
        Ok(History { loss, val_loss, learning_rate, metrics, seconds, ..History::default() })
    }
}

fn remember(history: &History) -> StateDict<f64> {
    let mut memory = StateDict::new();
    memory.numbers.insert("seconds".into(), history.seconds);
    let metrics = history.metrics.iter().map(|(name, values)| (format!("metrics.{name}"), values));
    let curves = [("loss", &history.loss), ("val_loss", &history.val_loss), ("learning_rate", &history.learning_rate)];
    let curves = curves.into_iter().map(|(name, values)| (name.to_string(), values)).chain(metrics);
    for (name, values) in curves.filter(|(_, values)| !values.is_empty()) {
        memory.tensors.insert(name, Tensor::from_vec(values.clone(), [values.len()]));
    }
    memory
}

impl Place {
    fn state_dict<T: Scalar>(&self) -> StateDict<T> {
        let mut memory = StateDict::new();
        let counts = [("epochs", self.epochs), ("batches", self.batches), ("steps", self.steps)];
        let numbers = counts.map(|(name, count)| (name, count as f64)).into_iter();
        let numbers = numbers.chain([("total", self.total), ("share", self.share)]);
        let numbers = numbers.chain([("stopped", f64::from(u8::from(self.stopped)))]);
        for (name, number) in numbers.chain(self.learning_rate.map(|rate| ("learning_rate", rate))) {
            memory.numbers.insert(name.into(), number);
        }
        memory
    }

    /// A place in a training with so many batches per epoch.
    fn recall<T: Scalar>(memory: &StateDict<T>, batches: usize) -> Result<Place, StateDictError> {
        let mut reader = memory.reader();
        let epochs = reader.count("epochs");
        let steps = reader.count("steps");
        let fits = |number: f64| number.fract() == 0.0 && (0.0..=batches as f64).contains(&number);
        let done = reader.number_that("batches", "a number of batches of an epoch", fits);
        let [total, share] = ["total", "share"].map(|name| reader.number(name).unwrap_or_default());
        let stopped = reader.number_that("stopped", "0 or 1", |number| number == 0.0 || number == 1.0);
        let learning_rate =
            memory.numbers.contains_key("learning_rate").then(|| reader.number("learning_rate")).flatten();
        reader.finish()?;
        let [epochs, steps] = [epochs, steps].map(Option::unwrap_or_default);
        let batches = done.unwrap_or_default() as usize;
        Ok(Place { epochs, batches, steps, total, share, learning_rate, stopped: stopped == Some(1.0) })
    }
}

fn sentence(error: FileError) -> FitError {
    FitError::Checkpoint(error.to_string())
}
