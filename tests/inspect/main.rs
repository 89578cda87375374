//! Looking into a model: gradients through time.

mod by_hand;
mod flow;
mod pictures;
mod sentences;
mod terms;
