//! Clipping of gradients from nothing to infinity.

use super::*;
use unspool::optim::{clip_norm, clip_value};

/// Sixteen elements of this size, so that the norm is four times that.
fn sixteen<T: Scalar>(g: f64) -> Dense<Tensor<T>> {
    let g = T::from_f64(g);
    Dense { weight: Tensor::from_fn([4, 3], |i| if i % 2 == 0 { g } else { -g }), bias: Tensor::full(g, [4]) }
}

fn numbers<T: Scalar>(model: &Dense<Tensor<T>>) -> Vec<f64> {
    model.leaves().into_iter().flat_map(Tensor::to_vec).map(T::to_f64).collect()
}

/// By the formula; PyTorch's squares overflow in tensors of more than one element.
fn check<T: Scalar>(sizes: &[f64], tolerance: f64) {
    for &g in sizes {
        let (gradients, norm) = (sixteen::<T>(g), 4.0 * g);
        assert!((gradient_norm(&gradients) / norm - 1.0).abs() < tolerance, "{g:e}: {}", gradient_norm(&gradients));

        let scale = if norm > 1.0 { 0.25 } else { g };
        let mut clipped = gradients.clone();
        assert_eq!(clip_norm(&mut clipped, 1.0), gradient_norm(&gradients));
        let mut model = sixteen::<T>(0.0);
        let mut sgd = Sgd::default().learning_rate(1.0).clip_norm(1.0);
        sgd.step(&mut model, &gradients);
        assert_eq!(sgd.gradient_norm(), Some(gradient_norm(&gradients)));
        for ((&clipped, moved), &g) in numbers(&clipped).iter().zip(numbers(&model)).zip(&numbers(&gradients)) {
            assert!((clipped / scale.copysign(g) - 1.0).abs() < 1e-5, "{g:e}: {clipped:e}");
            assert_eq!(moved, -clipped, "{g:e}");
        }

        let mut clipped = gradients.clone();
        clip_value(&mut clipped, 1.0);
        for (clipped, g) in numbers(&clipped).into_iter().zip(numbers(&gradients)) {
            assert_eq!(clipped, g.clamp(-1.0, 1.0));
        }
    }
}

#[test]
fn gradients_of_any_size_are_shortened_to_the_limit() {
    let f32s = [f32::from_bits(1), f32::MIN_POSITIVE, 1e-30, 1.0, 1e20, 1e30, f32::MAX];
    check::<f32>(&f32s.map(f64::from), 1e-7);
    // Four times the largest is infinite.
    let f64s =
        [f64::from_bits(1), f64::MIN_POSITIVE, 1e-200, 1e-155, 1e-30, 1.0, 1e20, 1e154, 1e155, 1e200, f64::MAX / 8.0];
    check::<f64>(&f64s, 1e-15);
}

/// As PyTorch: nothing is longer than nothing, an infinite gradient leaves zeros and NaN where it is infinite itself, and NaN
/// stays.
#[test]
fn gradients_of_no_size_or_none_that_is_a_number() {
    let mut none = sixteen::<f64>(0.0);
    assert_eq!(clip_norm(&mut none, 1.0), 0.0);
    assert_eq!(numbers(&none), [0.0; 16]);
    for bad in [f64::INFINITY, f64::NAN] {
        let mut gradients = sixteen::<f64>(1e200);
        gradients.bias = Tensor::from_vec(vec![1.0, bad, -bad, 1e-200], [4]);
        let mut clipped = gradients.clone();
        let norm = clip_norm(&mut clipped, 1.0);
        assert!(norm == bad || norm.is_nan() && bad.is_nan(), "{norm}");
        for (clipped, g) in numbers(&clipped).into_iter().zip(numbers(&gradients)) {
            assert!(if bad.is_nan() || g.is_infinite() { clipped.is_nan() } else { clipped == 0.0 }, "{g}: {clipped}");
        }
        clip_value(&mut gradients, 1.0);
        let bias = gradients.bias.to_vec();
        assert!(if bad.is_nan() { bias[1].is_nan() && bias[2].is_nan() } else { bias == [1.0, 1.0, -1.0, 1e-200] });
    }
}
