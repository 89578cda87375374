//! What a training agrees on with those on other ranks.

use super::error::FitError;
use super::task::Task;
use super::training_loop::Training;
use super::world::agreement::{Agreement, Hash};
use super::world::ranks::Broken;
use crate::optim::optimizer::Optimizer;
use unspool_autograd::{Params, Real, Tensor};

impl<T, M, K, O> Training<'_, T, M, K, O>
where
    T: Real,
    M: Params<Tensor<T>> + Send + Sync,
    K: Task<T, M> + Send,
    O: Optimizer<T, M> + Send,
{
    /// Compares what must be the same on all ranks.
    pub(super) fn agree(&mut self) -> Result<(), FitError> {
        if self.ranks.size() == 1 {
            return Ok(());
        }
        let mut same = Agreement::default();
        same.hash("version of unspool", Hash::default().text(env!("CARGO_PKG_VERSION")));
        for (name, _, number) in self.fixed_settings() {
            same.number(format!("the {name}"), number);
        }
        same.number("the number of epochs", self.settings.epochs as u64);
        for (name, number) in self.saves() {
            same.number(name, number);
        }
        // Those of the checkpoint that was resumed.
        same.number("the number of steps done", self.at.steps as u64);
        same.hash("model", Hash::model(&*self.model)[0]);
        same.hash("set of initial weights", Hash::model(&*self.model)[1]);
        same.hash("set of examples", Hash::default().counts(&[self.task.examples_hash() as usize]));
        same.hash("list of metrics", self.task.metrics().iter().fold(Hash::default(), |hash, name| hash.text(name)));
        same.hash("optimizer", self.optimizer_hash());
        let agreed = self.ranks.shared.agree("before training", &same);
        agreed.map_err(|broken| self.broken(broken))
    }

    /// Whether and how often a training is saved: all ranks take part in that.
    fn saves(&self) -> Vec<(&'static str, u64)> {
        #[cfg(feature = "safetensors")]
        return vec![
            ("the number of checkpoint files", u64::from(self.settings.files.checkpoint.is_some())),
            ("the number of steps to a checkpoint", self.settings.files.every.unwrap_or_default() as u64),
        ];
        #[cfg(not(feature = "safetensors"))]
        Vec::new()
    }

    /// A hash of the optimizer: its type, learning rate and state.
    fn optimizer_hash(&self) -> Hash {
        let mut hash = Hash::default().text(std::any::type_name::<O>());
        self.optimizer.current_learning_rate().iter().for_each(|rate| hash.word(rate.to_bits()));
        let state = self.optimizer.state_dict();
        state.numbers.values().for_each(|number| hash.word(number.to_bits()));
        state.tensors.iter().fold(hash, |hash, (name, tensor)| hash.text(name).tensor(tensor))
    }

    /// Whether any rank stops, and whether any is interrupted.
    pub(super) fn stops(&self) -> Result<[bool; 2], FitError> {
        let any = self.ranks.shared.any([self.at.stopped, self.settings.interrupt.is_set()]);
        any.map_err(|broken| self.broken(broken))
    }

    /// The error of ranks that do not train together, with the history so far.
    pub(super) fn broken(&self, broken: Broken) -> FitError {
        broken.with_history(Some(self.so_far()))
    }

    /// Compares the weights with those of the other ranks, which took the same steps.
    pub(super) fn agree_on_weights(&self, when: &str) -> Result<(), FitError> {
        if self.ranks.size() == 1 {
            return Ok(());
        }
        let mut same = Agreement::default();
        same.hash("set of weights", Hash::model(&*self.model)[1]);
        same.hash("state of the optimizer", self.optimizer_hash());
        let agreed = self.ranks.shared.agree(when, &same);
        agreed.map_err(|broken| self.broken(broken))
    }

    /// The settings that must be the same on all ranks and in a resumed training: their names, keys in a checkpoint,
    /// and values.
    pub(super) fn fixed_settings(&self) -> Vec<(&'static str, String, u64)> {
        let settings = &self.settings;
        let own = [
            ("seed", settings.seed),
            ("number of batches per step", settings.accumulate as u64),
            ("number of callbacks", settings.callbacks.len() as u64),
        ];
        let key = |name: &str| name.replace(' ', "_");
        let task = self.task.settings().into_iter().map(|(name, number)| (name, format!("task.{}", key(name)), number));
        own.map(|(name, number)| (name, key(name), number)).into_iter().chain(task).collect()
    }
}
