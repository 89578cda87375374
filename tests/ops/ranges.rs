//! Functions and reductions at 0, at the smallest and largest numbers, and at infinity.

use unspool::autograd::{hessian, jvp};
use unspool::mse;
use unspool::prelude::*;

type Function<T> = for<'t> fn(Var<'t, T>) -> Var<'t, T>;

/// How a function goes on far from 0: its value and slope there.
#[derive(Clone, Copy)]
enum Far {
    Constant(f64),
    /// `slope x`.
    Linear(f64),
}

/// Name, function, value and slope at 0, and how it goes on to both sides.
type Case<T> = (&'static str, Function<T>, [f64; 2], [Far; 2]);

fn functions<T: Scalar>() -> Vec<Case<T>> {
    use Far::{Constant, Linear};
    let (ln2, zero, x) = (2f64.ln(), Constant(0.0), Linear(1.0));
    vec![
        ("relu", |x| x.relu(), [0.0, 0.0], [zero, x]),
        ("leaky_relu", |x| x.leaky_relu(0.25), [0.0, 0.25], [Linear(0.25), x]),
        ("elu", |x| x.elu(2.0), [0.0, 2.0], [Constant(-2.0), x]),
        ("softplus", |x| x.softplus(), [ln2, 0.5], [zero, x]),
        ("silu", |x| x.silu(), [0.0, 0.5], [zero, x]),
        ("gelu", |x| x.gelu(), [0.0, 0.5], [zero, x]),
        ("gelu_tanh", |x| x.gelu_tanh(), [0.0, 0.5], [zero, x]),
        ("sigmoid", |x| x.sigmoid(), [0.5, 0.25], [zero, Constant(1.0)]),
        ("hardsigmoid", |x| x.hardsigmoid(), [0.5, 1.0 / 6.0], [zero, Constant(1.0)]),
        ("tanh", |x| x.tanh(), [0.0, 1.0], [Constant(-1.0), Constant(1.0)]),
        ("hardtanh", |x| x.hardtanh(), [0.0, 1.0], [Constant(-1.0), Constant(1.0)]),
        ("abs", |x| x.abs(), [0.0, 0.0], [Linear(-1.0), x]),
        ("exp", |x| (-x.abs()).exp(), [1.0, 0.0], [zero, zero]),
        ("expm1", |x| x.minimum(x.new_zeros([])).expm1(), [0.0, 0.5], [Constant(-1.0), zero]),
    ]
}

fn far_ends_are_right<T: Scalar>(far: &[f64], epsilon: f64) {
    for (name, function, [value, slope], sides) in functions::<T>() {
        let at = |x: f64| {
            let tape = Tape::new();
            let x = tape.variable(&Tensor::scalar(T::from_f64(x)));
            let y = function(x);
            (y.item().to_f64(), y.backward().wrt(x).item().to_f64())
        };
        let is = |x: f64, expected: (f64, f64)| {
            let found = at(x);
            let close = |a: f64, b: f64| a == b || (a - b).abs() <= epsilon * b.abs();
            let right = close(found.0, expected.0) && close(found.1, expected.1);
            assert!(right, "{name} at {x:e}: value and slope {found:?}, expected {expected:?}");
        };
        is(0.0, (value, slope));
        for &x in far {
            let x = T::from_f64(x).to_f64();
            for (x, side) in [(-x, sides[0]), (x, sides[1])] {
                match side {
                    Far::Constant(c) => is(x, (c, 0.0)),
                    Far::Linear(a) => is(x, (a * x, a)),
                }
            }
        }
    }
}

#[test]
fn functions_and_their_slopes_are_right_from_far_to_infinity() {
    far_ends_are_right::<f32>(&[1e4, 1e10, 1e20, f32::MAX as f64, f64::INFINITY], 1e-7);
    far_ends_are_right::<f64>(&[1e4, 1e20, 1e110, 1e160, f64::MAX, f64::INFINITY], 1e-15);
}

/// Near 0 each is its tangent, whatever the smallest numbers are.
#[test]
fn functions_of_the_smallest_numbers_are_their_tangents() {
    for (name, function, [value, slope], _) in functions::<f64>() {
        for x in [f64::MIN_POSITIVE, 5e-324, 1e-200] {
            let tape = Tape::new();
            let x = tape.variable(&Tensor::from_slice(&[x, -x], [2]));
            let y = function(x);
            let slopes = y.sum().backward().wrt(x).to_vec();
            // At a kink the slope at 0 is not that beside it.
            let kink = ["relu", "leaky_relu", "elu", "abs", "exp", "expm1"].contains(&name);
            assert!(kink || slopes.iter().all(|found| (found - slope).abs() < 1e-15), "{name}: {slopes:?}");
            let close = |(y, x): (f64, f64)| (y - value - slope * x).abs() <= 1e-15 * value.abs() + 5e-324;
            let values = y.value().to_vec();
            assert!(kink || values.iter().copied().zip(x.value().to_vec()).all(close), "{name}: {values:?}");
        }
    }
}

/// Against the same in f64: `1 + erf(x)` and `1 + tanh(x)` lose in f32 what is small, down to everything.
#[test]
fn small_values_of_gelu_are_exact() {
    for (name, single, double) in [
        ("gelu", (|x| x.gelu()) as Function<f32>, (|x| x.gelu()) as Function<f64>),
        ("gelu_tanh", |x| x.gelu_tanh(), |x| x.gelu_tanh()),
        ("silu", |x| x.silu(), |x| x.silu()),
    ] {
        for x in (1..90).map(|i| -i as f32 / 10.0) {
            let (tape, exact_tape) = (Tape::new(), Tape::new());
            let (a, b) = (tape.variable(&Tensor::scalar(x)), exact_tape.variable(&Tensor::scalar(x as f64)));
            let (y, exact) = (single(a), double(b));
            let pairs =
                [(y.item() as f64, exact.item()), (y.backward().wrt(a).item() as f64, exact.backward().wrt(b).item())];
            for (found, expected) in pairs {
                // Rounding of the argument alone is up to x² eps.
                let bound = 4e-7 * (1.0 + (x * x) as f64) * (expected.abs() + 1e-3 * exact.item().abs()) + 1e-37;
                let bound = if pairs[1].1.abs() < 0.2 { bound.max(2e-7 * exact.item().abs().max(1e-8)) } else { bound };
                assert!((found - expected).abs() <= bound, "{name} at {x}: {found:e}, not {expected:e}");
            }
        }
    }
}

type Reduction<T> = for<'t> fn(Var<'t, T>) -> Var<'t, T>;

/// A reduction to the same unit: of `s x` it is `s` times that of `x`, and its gradient is the same.
fn reductions_scale<T: Scalar>(powers: &[i32], epsilon: f64) {
    let reductions: [(&str, Reduction<T>); 7] = [
        ("sum", |x| x.sum_axes(&[1])),
        ("mean", |x| x.mean_axes(&[1])),
        ("norm", |x| x.norm_axes(&[1])),
        ("std", |x| x.std_axes(&[1], 0)),
        ("unbiased std", |x| x.std_axes(&[1], 1)),
        ("max", |x| x.max_axes(&[1])),
        ("min", |x| x.min_axes(&[1])),
    ];
    let x = [0.5, -0.25, 0.125, 0.75, 0.5, 0.0625, -1.0, 0.375];
    for (name, reduction) in reductions {
        let of = |scale: f64| {
            let tape = Tape::new();
            let x = tape.variable(&Tensor::from_vec(x.iter().map(|x| T::from_f64(x * scale)).collect(), [2, 4]));
            let y = reduction(x);
            let gradient = y.sum().backward().wrt(x);
            let plain = |x: Tensor<T>, by: f64| x.to_vec().into_iter().map(|x| x.to_f64() / by).collect::<Vec<_>>();
            [plain(y.value(), scale), plain(gradient, 1.0)].concat()
        };
        let expected = of(1.0);
        for &power in powers {
            let found = of(2f64.powi(power));
            let close = found.iter().zip(&expected).all(|(f, e)| (f - e).abs() <= epsilon * (1.0 + e.abs()));
            assert!(close, "{name} at 2^{power}: {found:?}, not {expected:?}");
        }
    }
}

#[test]
fn reductions_do_not_depend_on_the_unit() {
    reductions_scale::<f32>(&[-110, -100, -60, 60, 100, 126], 1e-6);
    reductions_scale::<f64>(&[-1000, -600, -300, 300, 600, 1000, 1021], 1e-14);
}

/// PyTorch's `std` (Welford's) gives 8.165e-31; the deviations of equal numbers are 0 by definition.
#[test]
fn deviations_of_extreme_numbers() {
    let std = |x: &[f32]| {
        let tape = Tape::new();
        let x = tape.variable(&Tensor::from_slice(x, [x.len()]));
        let y = x.std(0);
        (y.item(), y.backward().wrt(x).to_vec())
    };
    assert_eq!(std(&[1e30; 3]), (0.0, vec![0.0; 3]));
    assert_eq!(std(&[0.1; 7]), (0.0, vec![0.0; 7]));
    let (y, gradient) = std(&[1e-30, -1e-30, 0.0]);
    assert!((y / 8.164_966e-31 - 1.0).abs() < 1e-6, "{y:e}");
    assert!((gradient[0] - 0.408_248_3).abs() < 1e-6 && gradient[1] == -gradient[0] && gradient[2] == 0.0);
    let tape = Tape::new();
    let largest = tape.constant(&Tensor::full(f32::MAX, [2, 3]));
    let is_largest = |mean: f32| (mean / f32::MAX - 1.0).abs() < 1e-6;
    assert!(is_largest(largest.mean().item()));
    assert!(largest.mean_axes(&[1]).value().to_vec().into_iter().all(is_largest));
    assert_eq!(largest.std(0).item(), 0.0);
    assert_eq!(largest.logsumexp().item(), f32::MAX);
}

/// What PyTorch has NaN for at the ends: of numbers in another unit, a normalization is the same.
#[test]
fn normalized_features_do_not_depend_on_the_unit() {
    let of = |scale: f32, epsilon: f64| {
        let mut tape = Tape::new();
        tape.set_flush_denormal(false);
        let x = [0.5, -0.25, 0.125, 0.75].map(|x: f32| x * scale);
        let x = tape.variable(&Tensor::from_slice(&x, [1, 4]));
        let y = x.layer_norm(epsilon);
        let weights = tape.constant(&Tensor::from_slice(&[1.0, 2.0, -1.0, 0.5], [1, 4]));
        let gradient = (y * weights).sum().backward().wrt(x).map(|g| g * scale);
        [y.value().to_vec(), gradient.to_vec()].concat()
    };
    let expected = of(1.0, 0.0);
    for (power, epsilon) in [(30, 1e-5), (80, 1e-5), (100, 1e-5), (120, 0.0), (-60, 0.0), (-100, 0.0)] {
        let found = of(2f32.powi(power), epsilon);
        let close = found.iter().zip(&expected).all(|(f, e)| (f - e).abs() < 1e-5);
        assert!(close, "2^{power}: {found:?}, not {expected:?}");
    }
}

/// Equal features have no distance from their mean, however far this is from 0: PyTorch (Welford's variance) has zeros, and in
/// f32 NaN from 1e30 on.
fn equal_features_become_zeros<T: Scalar>() {
    for x in [0.0, 1e-30, 0.1, 1e4 / 3.0, 12345.678, 1e10, 1e17 / 7.0, 1e30, -1e30, 3e38] {
        for n in 1..20 {
            let tape = Tape::new();
            let features = tape.variable(&Tensor::full(T::from_f64(x), [1, n]));
            let y = features.layer_norm(1e-5);
            assert!(y.value().to_vec().iter().all(|y| y.to_f64().abs() < 1e-5), "{n} times {x}: {:?}", y.value());
            assert!(y.select(1, 0).sum().backward().wrt(features).to_vec().iter().all(|g| g.is_finite()));
        }
    }
}

#[test]
fn equal_features_are_their_mean() {
    equal_features_become_zeros::<f32>();
    equal_features_become_zeros::<f64>();
    // Beside epsilon, the smallest are equal as well, and yet have their slopes.
    let tape = Tape::new();
    let x = tape.variable(&Tensor::<f32>::from_slice(&[1e-22, 3e-22, 2e-22], [1, 3]));
    let slope = x.layer_norm(1e-5).select(1, 0).sum().backward().wrt(x).at([0, 0]);
    assert!((slope / (2.0 / 3.0 / 1e-5f32.sqrt()) - 1.0).abs() < 1e-5, "{slope}");
}

#[test]
fn the_square_of_a_norm_is_smooth_at_the_origin() {
    for x in [[0.0, 0.0], [3.0, -4.0]] {
        let h = hessian(&Tensor::<f64>::from_slice(&x, [2]), |_, x| x.norm().square());
        let expected = [2.0, 0.0, 0.0, 2.0];
        assert!(h.to_vec().iter().zip(expected).all(|(h, e)| (h - e).abs() < 1e-14), "{h:?}");
    }
    // The norm itself is not: it grows in every direction, and the gradient is that of its minimum, 0.
    #[derive(Params)]
    struct Point<P> {
        x: P,
    }
    let [origin, direction] = [[0.0, 0.0], [3.0, -4.0]].map(|x| Point { x: Tensor::<f64>::from_slice(&x, [2]) });
    assert_eq!(jvp(&origin, &direction, |_, p| p.x.norm()).1.item(), 5.0);
    let tape = Tape::new();
    let x = tape.variable(&origin.x);
    assert_eq!(x.norm().backward().wrt(x).to_vec(), [0.0, 0.0]);
    assert_eq!(hessian(&origin.x, |_, x| x.norm()).to_vec(), [0.0; 4]);
}

/// As NumPy and PyTorch have it.
#[test]
fn over_an_axis_of_nothing() {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::<f32>::zeros([2, 0]));
    assert_eq!(x.softmax(1).shape()[..], [2, 0]);
    assert_eq!(x.log_softmax(1).sum().backward().wrt(x).shape()[..], [2, 0]);
    assert_eq!(x.logsumexp_axes(&[1]).value().to_vec(), [f32::NEG_INFINITY; 2]);
    assert_eq!(x.logsumexp().item(), f32::NEG_INFINITY);
    assert_eq!(x.norm_axes(&[1]).value().to_vec(), [0.0; 2]);
    assert!(x.std_axes(&[1], 0).value().to_vec().iter().all(|y| y.is_nan()));
    assert!(x.mean_axes(&[1]).value().to_vec().iter().all(|y| y.is_nan()) && x.mean().item().is_nan());
    assert!(mse(x, x).item().is_nan());
}
