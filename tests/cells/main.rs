//! The cells, those around them and custom ones: values, gradients, and what their weights start from.

mod boxed;
mod golden;
mod gradcheck;
mod initial_weights;
mod lecture;
mod unroll;
mod wrappers;
