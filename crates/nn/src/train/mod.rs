//! Training: [`fit`], and the pieces it is made of.
//!
//! [`fit`] collects the settings of a training. Its loop requests the gradients of each batch from
//! a [`Task`], lets the optimizer take a step, and records losses and [`metrics`] in a [`History`]. Tasks
//! cut their batches into [`Shards`], whose gradients are added.
//!
//! What must stay true: the same seed gives the same bits at any number of threads and [ranks](World), straight
//! through or interrupted and resumed. So how a batch is cut depends on its size alone, random
//! numbers depend on the seed, the epoch and the batch alone, and whatever else a later step
//! depends on is in a checkpoint: the model, the state of the optimizer, of the callbacks and of the
//! task, the position and the history.

mod agreement;
pub(crate) mod bad_batch;
pub(crate) mod bad_step;
pub(crate) mod batch_loss;
pub(crate) mod callback;
mod carried;
pub(crate) mod early_stopping;
pub(crate) mod error;
pub(crate) mod evaluate;
pub(crate) mod fit;
pub(crate) mod fit_supervised;
pub(crate) mod from_fn;
pub(crate) mod history;
pub(crate) mod interrupt;
pub mod metrics;
pub(crate) mod not_finite;
pub(crate) mod on_demand;
mod on_threads;
pub(crate) mod predictions;
pub(crate) mod progress;
#[cfg(feature = "safetensors")]
pub(crate) mod resume;
pub(crate) mod sequences;
pub(crate) mod settings;
pub(crate) mod shards;
pub(crate) mod supervised;
pub(crate) mod task;
pub(crate) mod tracker;
pub(crate) mod training_loop;
pub(crate) mod truncated_bptt;
pub(crate) mod world;

pub use callback::{Callback, Progress, Start};
pub use early_stopping::EarlyStopping;
pub use error::FitError;
pub use evaluate::{evaluate, predict};
pub use fit::{Fit, fit};
pub use from_fn::{FnTask, from_fn};
pub use history::{History, StopReason};
pub use interrupt::Interrupt;
pub use metrics::accuracy;
pub use on_demand::OnDemand;
pub use shards::Shards;
pub use supervised::{NoLoss, Supervised};
pub use task::{BatchGradients, ExampleSet, IntoTask, Task};
pub use truncated_bptt::{NextToken, TruncatedBptt};
pub use world::{LocalWorld, Ranks, ThreadWorld, World};
