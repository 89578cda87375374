//! Training: [`fit`], and the pieces it is made of.
//!
//! [`fit`] cuts every batch into [`Shards`], takes their gradients, one step of the optimiser, and writes losses and
//! [`metrics`] into a [`History`].

pub(crate) mod batch_loss;
pub(crate) mod callback;
pub(crate) mod early_stopping;
pub(crate) mod error;
pub(crate) mod evaluate;
pub(crate) mod fit;
pub(crate) mod history;
pub(crate) mod interrupt;
pub mod metrics;
pub(crate) mod not_finite;
pub(crate) mod predictions;
pub(crate) mod progress;
#[cfg(feature = "safetensors")]
pub(crate) mod resume;
pub(crate) mod settings;
pub(crate) mod shards;
pub(crate) mod training_loop;

pub use callback::{Callback, Progress, Start};
pub use early_stopping::EarlyStopping;
pub use error::FitError;
pub use evaluate::{evaluate, predict, predict_lengths};
pub use fit::{Fit, fit};
pub use history::{History, StopReason};
pub use interrupt::Interrupt;
pub use metrics::accuracy;
pub use shards::Shards;
