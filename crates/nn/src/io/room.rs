//! Memory for what a file says that it holds.

use crate::sentence::sizes;
use unspool_autograd::{MAX_RANK, Real, Shape, Tensor};

/// A tensor for what a file holds, its elements yet to be written; or what is too much about it.
pub(super) fn room<T: Real>(shape: &[usize]) -> Result<Tensor<T>, String> {
    if shape.len() > MAX_RANK || !Shape::from(shape).is_addressable::<T>() {
        return Err(format!("of shape {}, which is more than a tensor can hold", sizes(shape)));
    }
    Tensor::try_scratch(shape).ok_or_else(|| {
        let bytes = shape.iter().product::<usize>() * size_of::<T>();
        format!("of shape {}, whose {bytes} bytes are more than there is memory for", sizes(shape))
    })
}
