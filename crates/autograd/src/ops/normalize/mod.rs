//! Normalization over an axis.

mod softmax;
mod layer_norm;
mod rms_norm;

pub(super) use softmax::along;
