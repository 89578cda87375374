//! A task of closures.

use super::task::{BatchGradients, Task};
use crate::mode::Mode;
use std::fmt;
use unspool_autograd::Scalar;

/// A task of two closures: what [`from_fn`] returns.
///
/// ```
/// use unspool::prelude::*;
/// use unspool::train::from_fn;
/// let mut shards = Shards::new();
/// let batches = |_seed| vec![Tensor::<f32>::ones([4, 3]); 10];
/// let mut task = from_fn(batches, |model: &Dense<Tensor>, x, _| {
///     shards.gradients(model, &[x], |tape, net, x| net.forward(tape.constant(x)).square().mean())
/// })
/// .validate(|model| f64::from(model.bias.at([0]).abs()));
/// let history = fit(&mut Dense::new(&mut rng(0), 3, 1), &mut task).quiet().run()?;
/// assert_eq!(history.val_loss.len(), 1);
/// # Ok::<(), unspool::train::FitError>(())
/// ```
pub struct FnTask<'a, M, B, F, G> {
    draw: F,
    gradients: G,
    batches: Vec<B>,
    validation: Option<Evaluation<'a, M>>,
}

impl<M, B, F, G> fmt::Debug for FnTask<'_, M, B, F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnTask")
            .field("batches", &self.batches.len())
            .field("validation", &self.validation.is_some())
            .finish_non_exhaustive()
    }
}

/// The validation loss of a model.
type Evaluation<'a, M> = Box<dyn FnMut(&M) -> f64 + Send + 'a>;

/// A [`Task`] of two closures: the batches of an epoch, drawn from a seed, and the gradients of one
/// batch, as [`Shards::gradients`](crate::train::Shards::gradients) returns them, or as
/// [`BatchGradients`] if batches have weights. For a training to be resumed to the bit, what both do
/// depends on their arguments alone: see [`Task`].
///
/// ```
/// use unspool::data::permutation;
/// use unspool::prelude::*;
/// use unspool::train::from_fn;
/// let x = Tensor::<f32>::from_fn([32, 3], |i| (i as f32).sin());
/// let mut shards = Shards::new();
/// let mut task = from_fn(
///     |seed| permutation(32, seed).chunks(8).map(|rows| x.index_select(0, rows)).collect(),
///     |model: &Dense<Tensor>, batch, _| {
///         shards.gradients(model, &[batch], |tape, net, x| {
///             let x = tape.constant(x); // an autoencoder
///             (net.forward(x).tanh() - x).square().mean()
///         })
///     },
/// );
/// let mut model = Dense::new(&mut rng(0), 3, 3);
/// let history = fit(&mut model, &mut task).epochs(20).quiet().run()?;
/// assert!(history.loss[19] < history.loss[0]);
/// # Ok::<(), unspool::train::FitError>(())
/// ```
pub fn from_fn<'a, M, B, R, F, G>(batches: F, gradients: G) -> FnTask<'a, M, B, F, G>
where
    F: FnMut(u64) -> Vec<B>,
    G: FnMut(&M, &B, Mode) -> R,
    R: Into<BatchGradients<M>>,
{
    FnTask { draw: batches, gradients, batches: Vec::new(), validation: None }
}

impl<'a, M, B, F, G> FnTask<'a, M, B, F, G> {
    /// Sets the validation loss, computed after each epoch.
    pub fn validate(self, loss: impl FnMut(&M) -> f64 + Send + 'a) -> Self {
        FnTask { validation: Some(Box::new(loss)), ..self }
    }
}

impl<T: Scalar, M, B, R, F, G> Task<T, M> for FnTask<'_, M, B, F, G>
where
    F: FnMut(u64) -> Vec<B>,
    G: FnMut(&M, &B, Mode) -> R,
    R: Into<BatchGradients<M>>,
{
    fn begin_epoch(&mut self, seed: u64) -> usize {
        self.batches = (self.draw)(seed);
        self.batches.len()
    }

    fn gradients(&mut self, model: &M, batch: usize, mode: Mode) -> BatchGradients<M> {
        (self.gradients)(model, &self.batches[batch], mode).into()
    }

    fn metrics(&self) -> Vec<String> {
        self.validation.iter().map(|_| "val_loss".to_owned()).collect()
    }

    fn evaluate(&mut self, model: &M) -> Vec<f64> {
        self.validation.iter_mut().map(|loss| loss(model)).collect()
    }
}
