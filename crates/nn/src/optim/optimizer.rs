//! What changes a model by its gradients.

use crate::optim::state_dict::{StateDict, StateDictError};
use unspool_autograd::{Params, Scalar, Tensor};

/// Something that changes a model by its gradients. The built-in ones are in [`optimizers`](crate::optim).
///
/// [`step`](Optimizer::step) is all that an optimiser must have. An update of each element by itself is shorter as a
/// [`Rule`](crate::optim::Rule), which also brings weight decay, groups, clipping and schedules.
///
/// ```
/// use unspool_autograd::{Params, Scalar, Tensor, ParamsExt};
/// use unspool_nn::rng;
/// use unspool_nn::layers::Dense;
/// use unspool_nn::optim::Optimizer;
///
/// /// Moves all weights together, by a rate over the length of the whole gradient.
/// struct Normalized { rate: f64 }
///
/// impl<T: Scalar, M: Params<Tensor<T>>> Optimizer<T, M> for Normalized {
///     fn step(&mut self, model: &mut M, gradients: &M) {
///         let rate = T::from_f64(self.rate / unspool_nn::optim::gradient_norm(gradients));
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
    /// One step: changes `model`, in place if nobody else holds its tensors (the tape they were bound to has
    /// been reset).
    fn step(&mut self, model: &mut M, gradients: &M);

    /// Called by [`fit`](crate::train::fit) before the first step, and before anything is [restored](Optimizer::load_state_dict): for
    /// mistakes to be told before any time is spent, and for what was remembered of another model to be forgotten.
    ///
    /// The built-in optimisers go on where they were if `model` is as they left it, and begin anew if it is not.
    ///
    /// # Panics
    /// If the optimiser does not fit the model.
    #[track_caller]
    fn prepare(&mut self, model: &M) {
        let _ = model;
    }

    /// Called by [`fit`](crate::train::fit) after each epoch with the validation loss, or the training loss if there are no examples
    /// for validation.
    fn observe(&mut self, metric: f64) {
        let _ = metric;
    }

    /// The learning rate of the next step, if there is such a thing.
    fn current_learning_rate(&self) -> Option<f64> {
        None
    }

    /// All that later steps depend on, and that is not a setting: to be saved, and [restored](Optimizer::load_state_dict).
    fn state_dict(&self) -> StateDict<T> {
        StateDict::new()
    }

    /// Goes on where the optimiser stood that this memory is from, one of the same settings; nothing changes if there is an
    /// error.
    ///
    /// # Errors
    /// If the memory is not that of such an optimiser of this model: the error lists every name that is missing, that
    /// nobody asks for, or whose value does not fit.
    fn load_state_dict(&mut self, model: &M, memory: &StateDict<T>) -> Result<(), StateDictError> {
        let _ = model;
        memory.reader().finish()
    }
}

/// An optimiser lent to several trainings of one model keeps its memory from one to the next; for another model it begins
/// anew: see [`prepare`](Optimizer::prepare).
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
    fn load_state_dict(&mut self, model: &M, memory: &StateDict<T>) -> Result<(), StateDictError> {
        (**self).load_state_dict(model, memory)
    }
}
