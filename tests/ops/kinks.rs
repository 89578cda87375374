//! Derivatives at kinks, ties and ends: in both directions and of second order they are those of PyTorch; values, too, where
//! numbers end.

use unspool::autograd::{hessian, jvp, vjp};
use unspool::losses::bce_with_logits;
use unspool::prelude::*;
use unspool::{CrossEntropy, State};
use unspool_tests::{assert_close, panic_of};

#[derive(Params)]
struct Point<P> {
    x: P,
}

/// The slopes at `at`, forwards and backwards, must both be `expected`.
macro_rules! slope {
    ($at:expr, $expected:expr, |$x:ident| $formula:expr) => {
        let (at, expected): (f64, f64) = ($at, $expected);
        let point = |x: f64| Point { x: Tensor::from_slice(&[x], [1]) };
        let (_, forward) = jvp(&point(at), &point(1.0), |_, p| {
            let $x = p.x;
            $formula
        });
        let (_, back) = vjp(&point(at), &Tensor::ones([1]), |_, p| {
            let $x = p.x;
            $formula
        });
        assert_eq!((forward.item(), back.x.item()), (expected, expected), "{} at {at}", stringify!($formula));
    };
}

#[test]
fn slopes_at_kinks_are_the_same_in_both_directions() {
    slope!(0.0, 0.5, |x| x.softplus());
    slope!(0.0, 0.0, |x| x.relu());
    slope!(0.0, 0.0, |x| x.abs());
    slope!(0.0, 0.0, |x| x.sign());
    slope!(2.0, 0.0, |x| x.floor() + x.ceil() + x.trunc());
    slope!(2.5, 0.0, |x| x.round());
    slope!(6.0, 1.0, |x| x.remainder(-3.0));
    slope!(6.0, -2.0, |x| x.detach().remainder(x - 3.0));
    slope!(0.0, 0.2, |x| x.leaky_relu(0.2));
    slope!(0.0, 1.3, |x| x.elu(1.3));
    slope!(1.0, 0.0, |x| x.hardtanh());
    slope!(-1.0, 0.0, |x| x.clamp(-1.0, 2.0));
    slope!(3.0, 0.0, |x| x.hardsigmoid());
    slope!(-3.0, 0.0, |x| x.hardsigmoid());
    slope!(0.0, 1.7580993408473766, |x| x.selu());
    slope!(0.0, 0.6, |x| x.mish());
    slope!(0.0, 1.0, |x| x.softsign());
    slope!(-3.0, 0.0, |x| x.hardswish());
    slope!(3.0, 1.0, |x| x.hardswish());
    slope!(0.0, 0.0, |x| x.atan2(x.new_zeros([1])) + x.new_zeros([1]).atan2(x) + x.atan2(x));
    slope!(0.0, 6.0, |x| Var::concat(0, &[x, x.detach() + 2.0, x.detach() + 3.0]).prod_keepdim(&[0]));
    slope!(0.0, 0.0, |x| Var::concat(0, &[x, x.detach() * 0.0, x.detach() + 3.0]).prod_keepdim(&[0]));
    slope!(0.0, 0.5, |x| x.maximum(x.new_zeros([1])));
    slope!(0.0, 0.5, |x| x.minimum(x.new_zeros([1])));
    slope!(2.0, 0.5, |x| Var::concat(0, &[x, x.detach()]).max().reshape([1]));
    slope!(2.0, 0.5, |x| Var::concat(0, &[x, x.detach()]).min_keepdim(&[0]));
    slope!(2.0, 1.0, |x| x + <Var<'_, _> as State<'_, _>>::attach(x.tape(), &State::detached(&x)));
    slope!(0.0, 0.0, |x| x.powf(2.0) + x.pow(x.detach() + 2.0) + (x.detach()).pow(x + 2.0));
}

#[test]
fn second_derivatives_at_kinks() {
    let at = |x: &[f64]| Tensor::from_slice(x, [x.len()]);
    // softplus² at 0: 2 (softplus'² + softplus softplus'') = 2 (1/4 + ln 2 / 4)
    let h = hessian(&at(&[0.0]), |_, x| x.softplus().square().sum());
    assert_close("softplus", &h, &Tensor::full(0.5 + 0.5 * 2f64.ln(), [1, 1]), 1e-15);
    let h = hessian(&at(&[0.0]), |_, x| bce_with_logits(x, x.detach() + 1.0).square());
    assert_close("bce", &h, &Tensor::full(0.5 + 0.5 * 2f64.ln(), [1, 1]), 1e-15);
    // Both sides of 0 are written differently.
    assert_close("mish", &hessian(&at(&[0.0]), |_, x| x.mish().sum()), &Tensor::full(0.64, [1, 1]), 1e-15);
    assert_eq!(hessian(&at(&[0.0]), |_, x| x.logsigmoid().sum()), Tensor::full(-0.25, [1, 1]));
    // A product of x, y and z has z as its mixed derivative with respect to x and y, at zeros, too.
    let h = hessian(&at(&[0.0, 0.0, 5.0]), |_, x| x.prod());
    assert_eq!(h.to_vec(), [0.0, 5.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let h = hessian(&at(&[0.0, 2.0]), |_, x| x.select(0, 0).relu() * x.select(0, 1));
    assert_eq!(h, Tensor::zeros([2, 2]));
    assert_eq!(hessian(&at(&[1.0]), |tape, _| tape.constant(&Tensor::ones([]))), Tensor::zeros([1, 1]));
}

#[test]
fn a_row_that_is_ignored_may_hold_anything() {
    for bad in [f64::NEG_INFINITY, f64::NAN] {
        let tape = Tape::new();
        let scores = tape.variable(&Tensor::from_vec(vec![bad, 0.0, 1.0, 0.0, 1.0, 2.0], [2, 3]));
        for loss in [CrossEntropy::default(), CrossEntropy::default().label_smoothing(0.1)] {
            let both = loss.clone().ignore(9).classes(scores, [9, 2]);
            let alone = loss.classes(scores.slice(0, 1..), [2]);
            assert_eq!(both.item(), alone.item());
            assert_eq!(both.backward().wrt(scores).select(0, 1), alone.backward().wrt(scores).select(0, 1));
        }
    }
}

#[test]
fn small_losses_of_confident_scores_are_exact() {
    let tape = Tape::new();
    for (score, target) in [(10f32, 1.0), (17.0, 1.0), (30.0, 1.0), (-17.0, 0.0)] {
        let v = |x: f32| tape.constant(&Tensor::from_slice(&[x], [1]));
        let (got, expected) = (bce_with_logits(v(score), v(target)).item(), (-score.abs()).exp().ln_1p());
        assert!((got / expected - 1.0).abs() < 1e-6, "{score}: {got}, not {expected}");
    }
}

#[test]
fn a_gradient_that_was_not_kept_is_not_zero() {
    let tape = Tape::new();
    let x = tape.variable(&Tensor::<f64>::scalar(3.0));
    let (before, late) = (x.square().retain_grad(), x.exp());
    let gradients = (before.square() + late).backward();
    late.retain_grad();
    assert_eq!(gradients.wrt(before).item(), 18.0);
    panic_of(|| drop(gradients.wrt(late)));
    assert_eq!((before + late).backward().wrt(late).item(), 1.0);
}

/// Values and slopes where numbers end, which are limits at the infinities: `[x, y, dy/dx]` of each place.
fn ends<T: Scalar>(name: &str, f: impl for<'t> Fn(Var<'t, T>) -> Var<'t, T>, expected: &[[f64; 3]]) {
    let mut tape = Tape::new();
    tape.set_flush_denormal(false);
    for &[x, y, slope] in expected {
        let v = tape.variable(&Tensor::from_slice(&[T::from_f64(x)], [1]));
        let value = f(v);
        let found = [value.value().item(), value.sum().backward().wrt(v).item()].map(T::to_f64);
        for (what, found, expected) in [("value", found[0], y), ("slope", found[1], slope)] {
            let rounded = T::from_f64(expected).to_f64();
            // Four units in the last place.
            let close = found == rounded || (found - rounded).abs() <= 4.0 * unit::<T>(rounded);
            assert!(close, "{}: {what} of {name} at {x:e} is {found:e}, not {rounded:e}", T::NAME);
        }
    }
    let nan = f(tape.variable(&Tensor::full(T::NAN, [1]))).value().item();
    assert!(nan.is_nan(), "{name} of NaN is {nan}");
}

/// The distance of a number from the next.
fn unit<T: Scalar>(x: f64) -> f64 {
    let (digits, smallest) = if T::NAME == "f32" { (23, 1e-45) } else { (52, 5e-324) };
    (x.abs() * 0.5f64.powi(digits)).max(smallest)
}

/// By arithmetic of 60 digits (mpmath), with the limits at the infinities.
macro_rules! at_the_ends {
    ($T:ident, $($name:ident: [$([$x:expr, $y:expr, $slope:expr]),* $(,)?];)*) => {
        $(ends::<$T>(stringify!($name), |x| x.$name(), &[$([$x, $y, $slope]),*]);)*
    };
}

#[test]
#[allow(clippy::excessive_precision)] // digits of mpmath, for f32 as well
fn activations_have_their_limits_where_numbers_end() {
    use std::f64::consts::{FRAC_2_SQRT_PI, FRAC_PI_2, LN_2};
    const INF: f64 = f64::INFINITY;
    macro_rules! both {
        ($T:ident, $MAX:expr, $MIN:expr) => {
            at_the_ends! { $T,
                erf: [[INF, 1.0, 0.0], [-$MAX, -1.0, 0.0], [$MIN, FRAC_2_SQRT_PI * $MIN, FRAC_2_SQRT_PI], [0.0, 0.0, FRAC_2_SQRT_PI]];
                atan: [[INF, FRAC_PI_2, 0.0], [-$MAX, -FRAC_PI_2, 0.0], [$MIN, $MIN, 1.0], [-INF, -FRAC_PI_2, 0.0]];
                selu: [
                    [INF, INF, 1.0507009873554805], [-INF, -1.7580993408473766, 0.0], [-$MAX, -1.7580993408473766, 0.0],
                    [$MAX / 2.0, $MAX / 2.0 * 1.0507009873554805, 1.0507009873554805],
                    [-$MIN, -1.7580993408473766 * $MIN, 1.7580993408473766], [-0.0009765625, -0.0017160558332790609, 1.7563832850140978],
                ];
                softsign: [[INF, 1.0, 0.0], [-INF, -1.0, 0.0], [$MAX, 1.0, 0.0], [-$MAX, -1.0, 0.0], [$MIN, $MIN, 1.0], [-$MIN, -$MIN, 1.0]];
                logsigmoid: [
                    [INF, 0.0, 0.0], [-INF, -INF, 1.0], [$MAX, 0.0, 0.0], [-$MAX, -$MAX, 1.0],
                    [$MIN, -LN_2, 0.5], [80.0, -1.8048513878454153e-35, 1.8048513878454153e-35],
                    [-80.0, -80.0, 1.0],
                ];
                hardswish: [[INF, INF, 1.0], [-INF, 0.0, 0.0], [$MAX, $MAX, 1.0], [-$MAX, 0.0, 0.0], [-$MIN, -$MIN / 2.0, 0.5]];
                mish: [
                    [INF, INF, 1.0], [-INF, 0.0, 0.0], [$MAX, $MAX, 1.0], [-$MAX, 0.0, 0.0], [$MIN, 0.6 * $MIN, 0.6],
                    [-20.0, -4.1223072406287614e-8, -3.9161918743489691e-8], [-80.0, -1.4438811102763322e-33, -1.4258325963978781e-33],
                    [12.0, 11.999999999093979, 1.0000000017365294], [80.0, 80.0, 1.0],
                ];
            }
        };
    }
    both!(f32, f64::from(f32::MAX), f64::from(f32::MIN_POSITIVE));
    both!(f64, f64::MAX, f64::MIN_POSITIVE);
}

#[test]
fn angles_and_norms_do_not_overflow_on_their_way() {
    let v = |tape: &'static Tape<f64>, x: &[f64]| tape.variable(&Tensor::from_slice(x, [x.len()]));
    let mut tape = Box::new(Tape::new());
    tape.set_flush_denormal(false);
    let tape: &'static Tape<f64> = Box::leak(tape);
    for size in [1e-300, 1e-160, 1.0, 1e160, 1e300] {
        let (y, x) = (v(tape, &[3.0 * size, size]), v(tape, &[-4.0 * size, 0.0]));
        let gradients = y.atan2(x).backward_with(&Tensor::ones([2]));
        let close = |got: Tensor<f64>, expected: [f64; 2]| {
            let got = got.map(|g| g * size);
            assert_close(&format!("atan2 at {size:e}"), &got, &Tensor::from_slice(&expected, [2]), 1e-15);
        };
        close(gradients.wrt(y), [-4.0 / 25.0, 0.0]);
        close(gradients.wrt(x), [-3.0 / 25.0, -1.0]);
        // Whatever the size of x, x / rms(x) is the same, and its slopes fall as x grows.
        let x = v(tape, &[size, 7.0 * size]);
        let (y, seed) = (x.rms_norm(0.0), Tensor::from_slice(&[1.0, 0.0], [2]));
        assert_close(&format!("rms_norm at {size:e}"), &y.value(), &Tensor::from_slice(&[0.2, 1.4], [2]), 1e-15);
        close(y.backward_with(&seed).wrt(x), [0.2 * 0.98, -0.2 * 0.14]);
    }
}
