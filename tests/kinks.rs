//! Derivatives at kinks, ties and ends: in both directions and of second order they are those of PyTorch.

use unspool::prelude::*;
use unspool::{CrossEntropy, State, bce_with_logits, hessian, jvp, vjp};
use unspool_tests::assert_close;

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
    slope!(0.0, 0.2, |x| x.leaky_relu(0.2));
    slope!(0.0, 1.3, |x| x.elu(1.3));
    slope!(1.0, 0.0, |x| x.hardtanh());
    slope!(-1.0, 0.0, |x| x.clamp(-1.0, 2.0));
    slope!(3.0, 0.0, |x| x.hardsigmoid());
    slope!(-3.0, 0.0, |x| x.hardsigmoid());
    slope!(0.0, 0.5, |x| x.maximum(x.zeros([1])));
    slope!(0.0, 0.5, |x| x.minimum(x.zeros([1])));
    slope!(2.0, 0.5, |x| Var::concat(0, &[x, x.detach()]).max().reshape([1]));
    slope!(2.0, 0.5, |x| Var::concat(0, &[x, x.detach()]).min_keepdim(&[0]));
    slope!(2.0, 1.0, |x| x + <Var<'_, _> as State<'_, _>>::attach(x.tape(), &State::detach(&x)));
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
    let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| gradients.wrt(late)));
    assert!(asked.is_err());
    assert_eq!((before + late).backward().wrt(late).item(), 1.0);
}
