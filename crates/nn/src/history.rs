//! The record of a training.

/// What happened during training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The training loss, averaged over the batches of each epoch while the weights were changing.
    pub loss: Vec<f64>,
    /// The loss on the validation examples after each epoch; empty if there were none.
    pub val_loss: Vec<f64>,
    /// Seconds spent, validation included.
    pub seconds: f64,
}
