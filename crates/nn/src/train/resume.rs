//! Checkpoints of a training, and resuming from one.

use super::error::FitError;
use super::task::Task;
use super::training_loop::{Position, Training, VAL_LOSS};
use crate::io::{Checkpoint, FileError, WeightFile, shallow_clone};
use crate::optim::optimizer::Optimizer;
use crate::optim::state_dict::{StateDict, StateDictError};
use crate::train::history::History;
use unspool_autograd::{Params, Real, Scalar, Tensor};

impl<T, M, K, O> Training<'_, T, M, K, O>
where
    T: Real,
    M: Params<Tensor<T>> + Send + Sync,
    K: Task<T, M> + Send,
    O: Optimizer<T, M> + Send,
{
    pub(super) fn save_checkpoint(&self) -> Result<(), FitError> {
        let Some(path) = &self.settings.files.checkpoint else { return Ok(()) };
        let task = self.ranks.shared.catching(|| self.ranks.on_rank_0(self.task.state_dict(self.model)));
        let task = task.map_err(|broken| broken.with_history(Some(self.so_far())))?;
        if self.ranks.rank() > 0 {
            return Ok(());
        }
        let mut checkpoint = Checkpoint::new();
        for (_, key, number) in self.fixed_settings() {
            checkpoint.put_numbers(&format!("settings.{key}"), &[number]);
        }
        checkpoint.put_model("model", &*self.model);
        checkpoint.put_state("optimizer", &self.optimizer.state_dict());
        for (i, callback) in self.settings.callbacks.iter().enumerate() {
            checkpoint.put_state(&format!("callbacks.{i}"), &callback.state_dict());
        }
        checkpoint.put_state("task", &task);
        checkpoint.put_state("training", &self.at.state_dict::<T>());
        checkpoint.put_state("history", &history_state(&self.history));
        checkpoint.put_state("tracker", &self.tracker.state_dict());
        checkpoint.save(path).map_err(|error| FitError::NotSaved { error, history: self.so_far() })
    }

    /// Continues from the checkpoint to resume from, if there is one.
    pub(super) fn resume(&mut self) -> Result<(), FitError> {
        let Some(path) = self.settings.files.resume.clone() else { return Ok(()) };
        let file = WeightFile::open(&path).map_err(FitError::Checkpoint)?;
        let other = |what: String| {
            FitError::Checkpoint(FileError::mismatch(&path, format_args!("comes from another training: {what}")))
        };
        let unfit = |what: &str| {
            let what = what.to_string();
            move |error: StateDictError| other(format!("of the {what}, {error}"))
        };

        let mut differ = Vec::new();
        for (name, key, now) in self.fixed_settings() {
            let [saved] = file.numbers(&format!("settings.{key}")).map_err(FitError::Checkpoint)?;
            if saved != now {
                differ.push(format!("its {name} is {saved}, expected {now}"));
            }
        }
        if !differ.is_empty() {
            return Err(other(differ.join("; ")));
        }
        let mut model = shallow_clone(&*self.model);
        file.load("model", &mut model).map_err(FitError::Checkpoint)?;
        let at = file.state_dict::<T>("training").map_err(FitError::Checkpoint)?;
        let at = Position::from_state(&at).map_err(unfit("training"))?;
        let history = file.state_dict::<f64>("history").map_err(FitError::Checkpoint)?;
        let history = self.history_from_state(&history, at.epochs).map_err(unfit("history"))?;

        let state = file.state_dict("optimizer").map_err(FitError::Checkpoint)?;
        self.optimizer.load_state_dict(&model, &state).map_err(unfit("optimizer"))?;
        for (i, callback) in self.settings.callbacks.iter_mut().enumerate() {
            let state = file.state_dict(&format!("callbacks.{i}")).map_err(FitError::Checkpoint)?;
            callback.load_state_dict(&model, &state).map_err(unfit(&format!("callback {i}")))?;
        }
        (self.at, self.history) = (at, history);
        let batches = self.begin_epoch()?;
        if self.at.batches > batches {
            return Err(other(format!("it has done {} batches of an epoch of {batches}", self.at.batches)));
        }
        // Between two epochs nothing is carried over.
        let state = file.state_dict("task").map_err(FitError::Checkpoint)?;
        if self.at.batches > 0 {
            self.task.load_state_dict(&model, &state).map_err(unfit("task"))?;
        }
        self.tracker.load_state_dict(&file.state_dict("tracker").map_err(FitError::Checkpoint)?);
        *self.model = model;
        Ok(())
    }

    /// The history of `epochs` epochs.
    fn history_from_state(&self, state: &StateDict<f64>, epochs: usize) -> Result<History, StateDictError> {
        let (tracked, state) = state.split("tracked");
        let (measured, mut reader) = (self.task.metrics(), state.reader());
        let mut curve = |name: &str, known: bool| {
            let values = (known && epochs > 0).then(|| reader.tensor(name, [epochs].into()));
            values.flatten().map(|values| values.to_vec()).unwrap_or_default()
        };
        let (loss, val_loss) = (curve("loss", true), curve(VAL_LOSS, measured.iter().any(|name| name == VAL_LOSS)));
        let learning_rate = curve("learning_rate", self.optimizer.current_learning_rate().is_some());
        let metrics = measured
            .iter()
            .filter(|name| *name != VAL_LOSS)
            .cloned()
            .map(|name| (curve(&format!("metrics.{name}"), true), name));
        let metrics = metrics.map(|(values, name)| (name, values)).filter(|(_, values)| !values.is_empty()).collect();
        // What is tracked may differ: it makes no difference to the training.
        let mut tracked: Vec<_> =
            tracked.tensors.iter().map(|(name, values)| (name.clone(), values.to_vec())).collect();
        tracked.iter_mut().for_each(|(_, values)| values.truncate(epochs));
        tracked.sort_by_key(|(name, _)| self.tracker.names().position(|now| now == name).unwrap_or(usize::MAX));
        let seconds = reader.number("seconds").unwrap_or_default();
        reader.finish()?;
        Ok(History { loss, val_loss, learning_rate, metrics, tracked, seconds, ..History::default() })
    }
}

fn history_state(history: &History) -> StateDict<f64> {
    let mut state = StateDict::new();
    state.numbers.insert("seconds".into(), history.seconds);
    let metrics = history.metrics.iter().map(|(name, values)| (format!("metrics.{name}"), values));
    let curves = [("loss", &history.loss), ("val_loss", &history.val_loss), ("learning_rate", &history.learning_rate)];
    let tracked = history.tracked.iter().map(|(name, values)| (format!("tracked.{name}"), values));
    let curves = curves.into_iter().map(|(name, values)| (name.to_string(), values)).chain(metrics).chain(tracked);
    for (name, values) in curves.filter(|(_, values)| !values.is_empty()) {
        state.tensors.insert(name, Tensor::from_vec(values.clone(), [values.len()]));
    }
    state
}

impl Position {
    fn state_dict<T: Scalar>(&self) -> StateDict<T> {
        let mut state = StateDict::new();
        let counts = [("epochs", self.epochs), ("batches", self.batches), ("steps", self.steps)];
        let numbers = counts.map(|(name, count)| (name, count as f64)).into_iter();
        let numbers = numbers.chain([("loss_sum", self.loss_sum), ("loss_count", self.loss_count)]);
        let numbers = numbers.chain([("stopped", f64::from(u8::from(self.stopped)))]);
        for (name, number) in numbers.chain(self.learning_rate.map(|rate| ("learning_rate", rate))) {
            state.numbers.insert(name.into(), number);
        }
        state
    }

    /// A position in a training with `batches` batches per epoch.
    fn from_state<T: Scalar>(state: &StateDict<T>) -> Result<Position, StateDictError> {
        let mut reader = state.reader();
        let epochs = reader.count("epochs");
        let steps = reader.count("steps");
        let done = reader.count("batches");
        let [loss_sum, loss_count] = ["loss_sum", "loss_count"].map(|name| reader.number(name).unwrap_or_default());
        let stopped = reader.number_that("stopped", "0 or 1", |number| number == 0.0 || number == 1.0);
        let learning_rate =
            state.numbers.contains_key("learning_rate").then(|| reader.number("learning_rate")).flatten();
        reader.finish()?;
        let [epochs, steps, batches] = [epochs, steps, done].map(Option::unwrap_or_default);
        Ok(Position { epochs, batches, steps, loss_sum, loss_count, learning_rate, stopped: stopped == Some(1.0) })
    }
}
