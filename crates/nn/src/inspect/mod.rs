//! Looking into a model: how far its gradients flow through time.
//!
//! [`GradientFlow`] runs a loss once and reports, for every recurrent layer, what reaches each time step:
//! the picture of a lecture on vanishing and exploding gradients, of your own model.

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
