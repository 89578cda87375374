//! Layers that compute each time step independently, attention over whole sequences, and chains of
//! layers.
//!
//! A [`Layer`] is a function of a variable; anything that is a layer when bound to a tape is a
//! [`Model`], which [`fit`](crate::train::fit()) trains. Layers over time are in
//! [`recurrent`](crate::recurrent), losses in [`losses`](crate::losses).
//!
//! What must stay true: no layer holds state or a random number generator; what may differ from
//! call to call is in its argument, the [`Context`](crate::Context). A built-in layer uses public
//! ops only.

pub(crate) mod activation_fn;
pub mod activations;
pub(crate) mod attention;
pub(crate) mod boxed;
pub(crate) mod dense;
pub(crate) mod dropout;
pub(crate) mod embedding;
pub(crate) mod flatten;
pub mod init;
pub(crate) mod layer;
pub(crate) mod layer_norm;
pub(crate) mod masks;
pub(crate) mod scaled_dot_product;
pub(crate) mod sequential;
mod summary;

pub use activation_fn::Activation;
pub use attention::{AdditiveAttention, AttentionOutput, attention, attention_masked, dot_product_scores};
pub use boxed::{Boxed, boxed};
pub use dense::{Dense, dense};
pub use dropout::{Dropout, dropout};
pub use embedding::{Embedding, embedding};
pub use flatten::{Flatten, flatten};
pub use layer::{Layer, Model};
pub use layer_norm::LayerNorm;
pub use masks::{sequence_mask, zero_padding};
pub use scaled_dot_product::{ScaledDotProduct, scaled_dot_product_attention};
pub use sequential::{Build, Chain, Sequential, sequential};
pub use summary::{Summary, summary};
