//! Looking into a model: how far its gradients flow through time, and what its ops cost.
//!
//! [`GradientFlow`] runs a loss once and reports, for every recurrent layer, what reaches each time step:
//! the picture of a lecture on vanishing and exploding gradients, of your own model.
//!
//! A [`Profile`] has the time, the floating-point operations and the bytes of every op in every layer,
//! forward and backward, over some steps of training on a [profiled](unspool_autograd::Tape::profiled)
//! tape, or on [shards](crate::train::Shards::profiled).

mod contributions;
mod flow;
mod gates;
mod jacobian;
mod layer;
mod pictures;
mod states;
mod table;

pub use contributions::ParameterFlow;
pub use flow::{FlowOptions, GradientFlow};
pub use gates::GateFlow;
pub use jacobian::Jacobian;
pub use layer::LayerFlow;
pub use states::StateFlow;
pub use unspool_autograd::{Cost, Profile, ProfileRow};
