//! Losses: functions of output and target that return one number.
//!
//! Any function or closure of that form is a [`Loss`]. Classes are given as scores (logits) and class indices to
//! [`CrossEntropy`]; sequences without alignment to [`Ctc`].

pub(crate) mod cross_entropy;
pub(crate) mod ctc;
pub(crate) mod loss;

pub use cross_entropy::{CrossEntropy, cross_entropy, kl_div, nll};
pub use ctc::{Ctc, ctc};
pub use loss::{Loss, bce_with_logits, huber, mae, mse, weighted_bce_with_logits};
