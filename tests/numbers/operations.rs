//! Every operation of a number on a tape, against central differences and against dual numbers.

use super::assert_close;
use unspool::Number;
use unspool::numbers::{derivative, gradient};

/// Defines `operation`, each case of which is a function of one number. They do not share a stack frame: without
/// optimizations it has place for every number on the way.
macro_rules! operations {
    (|$c:ident, $x:ident| $($name:ident: $y:expr;)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        fn operation<N: Number>(name: &str, x: N) -> N {
            $(fn $name<N: Number>($x: N) -> N {
                #[allow(unused_variables)]
                let $c = N::from_f64;
                $y
            })*
            match name {
                $(stringify!($name) => $name(x),)*
                _ => panic!("no operation is called {name}"),
            }
        }
    };
}
operations! { |c, x|
    add: x + c(2.0) + x;
    sub: c(2.0) - x - x * x;
    mul: x * x * c(3.0);
    div: c(2.0) / x + x / c(3.0) + (x + c(1.0)) / (x * x);
    rem: (x * c(7.0)) % (x + c(1.0)) + x % c(0.7) + c(5.0) % x;
    neg: -x;
    assign: {
        let mut y = x;
        y += x;
        y *= x;
        y -= c(0.5);
        y /= x;
        y %= c(10.0);
        y
    };
    mul_add: x.mul_add(x, x) + x.mul_add(c(2.0), c(1.0)) + c(2.0).mul_add(x, x) + c(2.0).mul_add(c(3.0), x);
    sqrt: x.sqrt();
    exp: x.exp();
    exp_m1: x.exp_m1();
    ln: x.ln();
    ln_1p: x.ln_1p();
    sin: x.sin();
    cos: x.cos();
    atan: x.atan();
    atan2: x.atan2(c(-1.5)) + c(0.5).atan2(x) + (x * x).atan2(-x);
    powf: x.powf(c(2.5)) + c(1.5).powf(x) + x.powf(x);
    erf: x.erf();
    erfc: x.erfc();
    abs: x.abs() + (-x * x).abs();
    sign: x.sign() * x;
    floor: (x * c(7.0)).floor() * x;
    ceil: (x * c(7.0)).ceil() * x;
    round_ties_even: (x * c(7.0)).round_ties_even() * x;
    trunc: (x * c(-7.0)).trunc() * x;
    tanh: x.tanh();
    sigmoid: x.sigmoid();
}

const POINTS: [f64; 3] = [0.3, 0.9, 1.7];

#[test]
fn gradients_agree_with_central_differences() {
    for name in NAMES {
        for x in POINTS {
            let (value, slope) = gradient(&x, |x| operation(name, x));
            assert_eq!(value, operation(name, x), "{name}");
            let h = 1e-5;
            let difference = (operation(name, x + h) - operation(name, x - h)) / (2.0 * h);
            assert_close(slope, difference, 1e-8, name);
        }
    }
}

#[test]
fn all_orders_of_modes_agree_up_to_the_third_derivative() {
    for name in NAMES {
        for x in POINTS {
            let first = derivative(x, |x| operation(name, x)).1;
            assert_close(gradient(&x, |x| operation(name, x)).1, first, 1e-14, name);
            let second = derivative(x, |x| derivative(x, |x| operation(name, x)).1).1;
            for other in [
                derivative(x, |x| gradient(&x, |x| operation(name, x)).1).1,
                gradient(&x, |x| derivative(x, |x| operation(name, x)).1).1,
                gradient(&x, |x| gradient(&x, |x| operation(name, x)).1).1,
            ] {
                assert_close(other, second, 1e-12, name);
            }
            let third = derivative(x, |x| derivative(x, |x| derivative(x, |x| operation(name, x)).1).1).1;
            let reverse = gradient(&x, |x| gradient(&x, |x| gradient(&x, |x| operation(name, x)).1).1).1;
            assert_close(reverse, third, 1e-11, name);
        }
    }
}

#[test]
fn second_derivatives_agree_with_differences_of_the_first() {
    for name in NAMES {
        for x in POINTS {
            let slope = |x: f64| gradient(&x, |x| operation(name, x)).1;
            let second = gradient(&x, |x| gradient(&x, |x| operation(name, x)).1).1;
            let h = 1e-5;
            assert_close(second, (slope(x + h) - slope(x - h)) / (2.0 * h), 1e-7, name);
        }
    }
}

/// The square root is infinitely steep at 0, but the sum of squares below it does not move.
#[test]
fn a_derivative_of_0_stays_0_however_steep_what_follows_is() {
    fn norm<N: Number>([x, y]: [N; 2]) -> N {
        (x * x + y * y).sqrt()
    }
    assert_eq!(derivative(0.0, |x| norm([x, x])), (0.0, 0.0));
    assert_eq!(gradient(&[0.0, 0.0], |x| norm(x)), (0.0, [0.0, 0.0]));
}
