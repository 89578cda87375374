//! The trait of optimizers.

use crate::optim::state_dict::{StateDict, StateDictError};
use unspool_autograd::{Params, Scalar, Tensor};

/// Updates a model from its gradients. The built-in optimizers are in [`optim`](crate::optim).
///
/// Only [`step`](Optimizer::step) is required. An elementwise update is shorter as a
/// [`Rule`](crate::optim::Rule), which brings weight decay, groups, clipping and schedules.
///
/// ```
/// use unspool::prelude::*;
///
/// /// A step of the same length whatever the global gradient norm.
/// struct Normalized { rate: f64 }
///
/// impl<T: Scalar, M: Params<Tensor<T>>> Optimizer<T, M> for Normalized {
///     fn step(&mut self, model: &mut M, gradients: &M) {
///         let rate = T::from_f64(self.rate / unspool::optim::gradient_norm(gradients));
///         for (weight, gradient) in model.leaves_mut().into_iter().zip(gradients.leaves()) {
///             weight.update(gradient, |w, g| w - rate * g);
///         }
///     }
/// }
///
/// let mut model: Dense<Tensor> = Dense::new(&mut rng(0), 3, 4);
/// let before = model.bias.at([0]);
/// Normalized { rate: 0.1 }.step(&mut model, &Dense { weight: Tensor::zeros([3, 4]), bias: Tensor::ones([4]) });
/// assert_eq!(model.bias.at([0]), before - 0.05);
/// ```
pub trait Optimizer<T: Scalar, M: Params<Tensor<T>>> {
    /// One step: updates `model`, in place if no one else holds its tensors (the tape that they
    /// were bound to has been reset).
    ///
    /// In [`fit`](crate::train::fit), this is also where [buffers](Params#buffers) are updated: by an
    /// optimizer of your own, after the step of the one that it holds.
    fn step(&mut self, model: &mut M, gradients: &M);

    /// Called by [`fit`](crate::train::fit) before the first step, and before any state is
    /// [loaded](Optimizer::load_state_dict): to report mistakes before time is spent, and to
    /// discard the state of another model.
    ///
    /// The built-in optimizers continue if `model` is as they left it, and start afresh otherwise.
    ///
    /// # Panics
    /// If the optimizer does not fit the model.
    fn prepare(&mut self, model: &M) {
        let _ = model;
    }

    /// Called by [`fit`](crate::train::fit) after each epoch with the validation loss, or the
    /// training loss if there are no validation examples.
    fn observe(&mut self, metric: f64) {
        let _ = metric;
    }

    /// The learning rate of the next step, if the optimizer has one.
    fn current_learning_rate(&self) -> Option<f64> {
        None
    }

    /// Everything that later steps depend on, other than settings: to be saved, and
    /// [loaded](Optimizer::load_state_dict).
    fn state_dict(&self) -> StateDict<T> {
        StateDict::new()
    }

    /// Continues from the saved state of an optimizer with the same settings; on an error nothing
    /// changes.
    ///
    /// # Errors
    /// If the state does not come from such an optimizer of such a model: the error lists every
    /// name that is missing, unexpected, or has a value that does not fit.
    fn load_state_dict(&mut self, model: &M, state: &StateDict<T>) -> Result<(), StateDictError> {
        let _ = model;
        state.reader().finish()
    }
}

/// A borrowed optimizer keeps its state from one training of a model to the next; for another model
/// it starts afresh: see [`prepare`](Optimizer::prepare).
impl<T: Scalar, M: Params<Tensor<T>>, O: Optimizer<T, M>> Optimizer<T, M> for &mut O {
    #[track_caller]
    fn step(&mut self, model: &mut M, gradients: &M) {
        (**self).step(model, gradients);
    }
    #[track_caller]
    fn prepare(&mut self, model: &M) {
        (**self).prepare(model);
    }
    fn observe(&mut self, metric: f64) {
        (**self).observe(metric);
    }
    fn current_learning_rate(&self) -> Option<f64> {
        (**self).current_learning_rate()
    }
    fn state_dict(&self) -> StateDict<T> {
        (**self).state_dict()
    }
    fn load_state_dict(&mut self, model: &M, state: &StateDict<T>) -> Result<(), StateDictError> {
        (**self).load_state_dict(model, state)
    }
}
