//! Memory for a tensor whose size a file states, which may be wrong or too large.

use crate::messages::sizes;
use unspool_autograd::{MAX_RANK, Real, Shape, Tensor};

/// A tensor of this shape whose elements are yet to be written; or why there can be none.
pub(super) fn allocate<T: Real>(shape: &[usize]) -> Result<Tensor<T>, String> {
    if shape.len() > MAX_RANK || !Shape::from(shape).is_addressable::<T>() {
        return Err(format!("of shape {}, which is more than a tensor can hold", sizes(shape)));
    }
    Tensor::try_scratch(shape).ok_or_else(|| {
        let bytes = shape.iter().product::<usize>() * size_of::<T>();
        format!("of shape {}, whose {bytes} bytes are more than there is memory for", sizes(shape))
    })
}
