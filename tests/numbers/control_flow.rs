//! Loops, branches and comparisons: the derivative is that of what was computed.

use unspool::Number;
use unspool::numbers::{NumberTape, Reverse, derivative, gradient};

/// Newton's iteration for the square root, until it stands still.
fn square_root<N: Number>(x: N) -> N {
    let half = N::from_f64(0.5);
    let mut y = x;
    loop {
        let next = half * (y + x / y);
        if (next - y).abs().to_f64() < 1e-15 {
            return next;
        }
        y = next;
    }
}

#[test]
fn a_loop_that_ends_by_a_comparison_has_a_derivative() {
    for x in [0.3, 2.0, 17.0] {
        super::assert_close(gradient(&x, |x| square_root(x)).1, 0.5 / f64::sqrt(x), 1e-14, "reverse");
        super::assert_close(derivative(x, square_root).1, 0.5 / f64::sqrt(x), 1e-14, "forward");
    }
}

fn maximum<N: Number>(x: N, y: N) -> N {
    if x > y { x } else { y }
}

#[test]
fn the_derivative_is_that_of_the_branch_taken() {
    assert_eq!(gradient(&[3.0, 2.0], |[x, y]| maximum(x, y)), (3.0, [1.0, 0.0]));
    assert_eq!(gradient(&[2.0, 3.0], |[x, y]| maximum(x, y)), (3.0, [0.0, 1.0]));
    // Equal numbers: the second branch.
    assert_eq!(gradient(&[3.0, 3.0], |[x, y]| maximum(x, y)), (3.0, [0.0, 1.0]));
}

#[test]
fn comparisons_look_at_the_value_alone() {
    let tape = NumberTape::new();
    let (x, y) = (tape.variable(2.0), Reverse::constant(2.0));
    assert!(
        x == y
            && x <= y
            && x.partial_cmp(&y) == Some(std::cmp::Ordering::Equal)
            && x.partial_cmp(&(y + y)) == Some(std::cmp::Ordering::Less)
    );
    assert!(!x.is_zero() && !tape.variable(0.0).is_zero() && Reverse::constant(0.0).is_zero());
    assert!(Reverse::<f64>::NAN.is_nan() && !tape.variable(f64::INFINITY).is_finite());
}

/// At kinks, and where only one of two derivatives exists, reverse mode does as dual numbers do.
#[test]
fn kinks_are_those_of_dual_numbers() {
    fn f<N: Number>(kind: usize, x: N) -> N {
        match kind {
            0 => x.abs(),
            1 => x.powf(N::from_f64(2.0)),
            2 => x.powf(N::ZERO),
            3 => x.powf(N::from_f64(3.0)),
            4 => (x * N::ZERO).sqrt(),
            5 => x.abs().sqrt(),
            6 => x.atan2(N::ZERO),
            7 => x.sign() + x.floor() + x.trunc(),
            _ => N::from_f64(0.0).powf(x),
        }
    }
    macro_rules! both {
        ($kind:expr, $x:expr) => {{
            let (forward, reverse) = (derivative($x, |x| f($kind, x)).1, gradient(&$x, |x| f($kind, x)).1);
            assert_eq!(forward, reverse, "case {}", $kind);
            reverse
        }};
    }
    let at_zero: Vec<f64> = [0, 1, 2, 4, 5, 6, 7].map(|kind| both!(kind, 0.0_f64)).to_vec();
    assert_eq!(at_zero, [0.0; 7]);
    assert_eq!(both!(3, -2.0_f64), 12.0);
    assert_eq!(both!(8, 2.0_f64), 0.0);
}

#[test]
fn what_the_result_does_not_depend_on_has_the_derivative_0_however_steep() {
    let (value, slopes) = gradient(&[0.0, 2.0], |[x, y]| {
        let _steep = x.sqrt() / x;
        y * y
    });
    assert_eq!((value, slopes), (4.0, [0.0, 4.0]));
    assert_eq!(gradient(&[1.0, 2.0], |_| Reverse::constant(5.0)), (5.0, [0.0, 0.0]));
}

#[test]
fn constants_take_no_space() {
    let tape = NumberTape::new();
    let x = tape.variable(2.0);
    let c = Reverse::constant(3.0);
    let mut y = c.exp() * c - c / c + c.atan2(c) + c.powf(c);
    assert_eq!(tape.len(), 1);
    y = x + y - c;
    assert_eq!((tape.len(), y.backward().wrt(x)), (1, 1.0));
    y *= c;
    assert_eq!((tape.len(), y.backward().wrt(x), y.backward().wrt(c)), (1, 3.0, 0.0));
}

#[test]
fn what_depends_on_one_entry_takes_no_space() {
    fn f<N: Number>(x: N) -> N {
        let half = N::from_f64(0.5);
        (x * x - half / x).exp().sin() - x.atan2(-x * half)
    }
    let tape = NumberTape::new();
    let (x, y) = (tape.variable(2.0), tape.variable(3.0));
    let (a, b) = (f(x), f(y));
    assert_eq!(tape.len(), 2);
    let c = a * b;
    let d = f(c);
    assert_eq!(tape.len(), 3);
    let gradients = d.backward();
    let [by_x, by_y] = [2.0, 3.0].map(|at| derivative(at, f).1);
    let by_c = derivative(c.value(), f).1;
    for (slope, expected) in [(gradients.wrt(x), by_c * by_x * b.value()), (gradients.wrt(y), by_c * by_y * a.value())]
    {
        super::assert_close(slope, expected, 1e-14, "chain rule");
    }
}

/// The square root is infinitely steep at 0; what has passed it is 0 or infinite, but nowhere NaN.
#[test]
fn nothing_passes_a_derivative_of_0() {
    let (_, slopes) = gradient(&[0.0, 2.0], |[x, y]| {
        let steep = x.sqrt();
        steep * steep + steep * Reverse::constant(0.0) + y * (steep * (y - y)) + y
    });
    assert_eq!(slopes, [0.0, 1.0]);
    assert_eq!(gradient(&[0.0], |[x]| x.sqrt() + x).1, [f64::INFINITY]);
    // What cancels at the steep number is never multiplied by its slope.
    let cancelling: [fn(Reverse<'_, f64>) -> Reverse<'_, f64>; 3] =
        [|s| s - s, |s| s.exp() + (-s).exp(), |s| s + s - Reverse::constant(2.0) * s];
    for f in cancelling {
        assert_eq!(gradient(&[0.0], |[x]| f(x.sqrt()) + x).1, [1.0]);
    }
}
