//! Activation functions, elementwise.

mod sigmoid;
mod relu;
mod silu;
mod gelu;
mod hard;
