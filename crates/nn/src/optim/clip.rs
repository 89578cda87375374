//! Gradient clipping.

use crate::optim::norms::gradient_norm;
use unspool_autograd::{Params, ParamsExt, Scalar, Tensor};

/// Clips the global gradient norm to `longest` and returns the norm before: every element is
/// multiplied by `min(1, longest / (norm + 1e-6))`, as in PyTorch.
///
/// Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks",
/// algorithm 1. Optimizers do this in every step after
/// [`clip_norm`](crate::optim::RuleOptimizer::clip_norm).
///
/// ```
/// use unspool::optim::{clip_norm, gradient_norm};
/// use unspool::{Dense, Tensor};
/// let mut gradients = Dense::<Tensor> { weight: Tensor::full(2.0, [2, 1]), bias: Tensor::ones([1]) };
/// assert_eq!(clip_norm(&mut gradients, 1.0), 3.0);
/// assert!((gradient_norm(&gradients) - 1.0).abs() < 1e-6);
/// ```
///
/// # Panics
/// If `longest` is negative or not a number.
#[track_caller]
pub fn clip_norm<T: Scalar, M: Params<Tensor<T>>>(gradients: &mut M, longest: f64) -> f64 {
    check(longest);
    let norm = gradient_norm(gradients);
    let scale = T::from_f64(shrinkage(norm, longest));
    each(gradients, |g| g * scale);
    norm
}

/// Clips every element of the gradient to the range from `-largest` to `largest`.
///
/// ```
/// use unspool::optim::clip_value;
/// use unspool::{Dense, Tensor};
/// let mut gradients = Dense::<Tensor> { weight: Tensor::full(-2.0, [2, 1]), bias: Tensor::full(0.5, [1]) };
/// clip_value(&mut gradients, 1.0);
/// assert_eq!((gradients.weight.at([0, 0]), gradients.bias.at([0])), (-1.0, 0.5));
/// ```
///
/// # Panics
/// If `largest` is negative or not a number.
#[track_caller]
pub fn clip_value<T: Scalar, M: Params<Tensor<T>>>(gradients: &mut M, largest: f64) {
    check(largest);
    let largest = T::from_f64(largest);
    each(gradients, |g| clamp(g, largest));
}

#[track_caller]
pub(crate) fn check(limit: f64) {
    ensure!(limit >= 0.0, "clip: the limit is {limit}; it must be at least 0");
}

/// The factor of a gradient of this norm.
pub(crate) fn shrinkage(norm: f64, longest: f64) -> f64 {
    let scale = longest / (norm + 1e-6);
    if scale > 1.0 { 1.0 } else { scale } // NaN stays
}

/// `x` clipped to the range from `-largest` to `largest`; NaN stays.
#[inline(always)]
pub(crate) fn clamp<T: Scalar>(x: T, largest: T) -> T {
    if x > largest {
        largest
    } else if x < -largest {
        -largest
    } else {
        x
    }
}

fn each<T: Scalar, M: Params<Tensor<T>>>(gradients: &mut M, f: impl Fn(T) -> T) {
    gradients.visit_parameters_mut(&mut |_, leaf| {
        for g in leaf.as_mut_slice() {
            *g = f(*g);
        }
    });
}
