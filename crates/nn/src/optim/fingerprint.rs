//! Recognizing a model by its weights.

use crate::mode::mix;
use crate::tuning::FINGERPRINT_ELEMENTS;
use unspool_autograd::{Params, ParamsExt, Scalar, Tensor};

/// A hash of a few elements of each parameter: a model that was trained further, or that comes from
/// another seed, has another one. A hash of all elements would cost as much as a step of the
/// optimizer. Buffers are left out: code of the user changes them between steps.
pub(crate) fn fingerprint<T: Scalar, M: Params<Tensor<T>>>(model: &M) -> u64 {
    let mut print = 0;
    model.visit_parameters(&mut |_, leaf| {
        let leaf = leaf.contiguous();
        let elements = leaf.as_slice().expect("contiguous");
        print = mix(print, elements.len());
        let Some(last) = elements.len().checked_sub(1) else { return };
        for i in 0..FINGERPRINT_ELEMENTS {
            print = mix(print ^ elements[i * last / (FINGERPRINT_ELEMENTS - 1)].to_f64().to_bits(), i);
        }
    });
    print
}
