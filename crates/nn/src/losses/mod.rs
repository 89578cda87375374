//! Losses: functions of output and target that return one number.
//!
//! Any function or closure of that form is a [`Loss`]. [`CrossEntropy`] takes scores (logits) and
//! class indices, [`Ctc`] label sequences without an alignment.
//!
//! What must stay true: a loss is a mean over all elements, unless its page states otherwise, and
//! its value and gradient are finite wherever the true ones can be represented.

pub(crate) mod cross_entropy;
pub(crate) mod ctc;
pub(crate) mod loss;

pub use cross_entropy::{CrossEntropy, cross_entropy, kl_div, nll, sparse_cross_entropy};
pub use ctc::{Ctc, ctc};
pub use loss::{Loss, bce_with_logits, huber, mae, mse, weighted_bce_with_logits};
