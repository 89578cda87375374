//! Telling one model from another.

use crate::mode::mix;
use crate::tuning::FINGERPRINT_ELEMENTS;
use unspool_autograd::{Params, Path, Scalar, Tensor};

/// A number that another model has as well only if it has the same bits in some places of each parameter: a model that went on
/// learning, or one from another seed, has others.
pub(crate) fn fingerprint<T: Scalar, M: Params<Tensor<T>>>(model: &M) -> u64 {
    let mut print = 0;
    model.visit_leaves(Path::ROOT, &mut |_, leaf| {
        let leaf = leaf.contiguous();
        let elements = leaf.as_slice().expect("contiguous");
        print = mix(print, elements.len());
        let Some(last) = elements.len().checked_sub(1) else { return };
        for place in 0..FINGERPRINT_ELEMENTS {
            print = mix(print ^ elements[place * last / (FINGERPRINT_ELEMENTS - 1)].to_f64().to_bits(), place);
        }
    });
    print
}
