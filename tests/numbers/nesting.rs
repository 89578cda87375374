//! Derivatives in derivatives, in every order of the modes.

use unspool::numbers::{NumberTape, Reverse, derivative, gradient, hessian, hvp, jvp};
use unspool::tensor::{Dual, Tangents};
use unspool::{Number, tensor::Nested};

fn constant<N: Number>(x: f64) -> N {
    N::from_f64(x)
}

/// d/dx (x d/dy (x + y)) = 1: whoever confuses the two derivatives gets 2 (Siskind and Pearlmutter 2005, "Perturbation
/// confusion and referential transparency").
#[test]
fn derivatives_of_two_levels_are_not_confused() {
    let results = [
        derivative(1.0_f64, |x| x * derivative(Dual::constant(1.0), |y| Dual::constant(x) + y).1),
        derivative(1.0_f64, |x| x * gradient(&Dual::constant(1.0), |y| Reverse::constant(x) + y).1),
        gradient(&1.0_f64, |x| x * derivative(Reverse::constant(1.0), |y| Dual::constant(x) + y).1),
        gradient(&1.0_f64, |x| x * gradient(&Reverse::constant(1.0), |y| Reverse::constant(x) + y).1),
    ];
    assert_eq!(results, [(1.0, 1.0); 4]);
}

/// d/dx at 2 of (x d/dy at 3 of x y²) = d/dx 6 x² = 24.
#[test]
fn the_outer_derivative_sees_the_inner_one() {
    let results = [
        derivative(2.0_f64, |x| x * derivative(constant(3.0), |y| Dual::constant(x) * y * y).1),
        derivative(2.0_f64, |x| x * gradient(&[constant(3.0)], |[y]| Reverse::constant(x) * y * y).1[0]),
        gradient(&2.0_f64, |x| x * derivative(constant(3.0), |y| Dual::constant(x) * y * y).1),
        gradient(&2.0_f64, |x| x * gradient(&[constant(3.0)], |[y]| Reverse::constant(x) * y * y).1[0]),
    ];
    assert_eq!(results, [(24.0, 24.0); 4]);
}

/// d/dx at 2 of (d/dy at 1 of (x - 2) y²) = 2: the inner derivative is 0 there, but changes with x.
#[test]
fn a_derivative_of_0_that_depends_on_an_outer_number_is_not_skipped() {
    let (value, slope) = gradient(&2.0_f64, |x| {
        let factor = x - constant(2.0);
        gradient(&[constant(1.0)], |[y]| y * y * Reverse::constant(factor)).1[0]
    });
    assert_eq!((value, slope), (0.0, 2.0));
}

/// exp(2 x) sin(x): the third derivative is exp(2 x) (2 sin(x) + 11 cos(x)).
fn wave<N: Number>(x: N) -> N {
    (x + x).exp() * x.sin()
}

#[test]
fn third_derivatives_agree_in_all_eight_orders() {
    let x = 0.7_f64;
    let third = (2.0 * x).exp() * (2.0 * x.sin() + 11.0 * x.cos());
    let forward = |x: f64| {
        [
            derivative(x, |x| derivative(x, |x| derivative(x, wave).1).1).1,
            derivative(x, |x| derivative(x, |x| gradient(&x, |x| wave(x)).1).1).1,
            derivative(x, |x| gradient(&x, |x| derivative(x, wave).1).1).1,
            derivative(x, |x| gradient(&x, |x| gradient(&x, |x| wave(x)).1).1).1,
        ]
    };
    let reverse = |x: f64| {
        [
            gradient(&x, |x| derivative(x, |x| derivative(x, wave).1).1).1,
            gradient(&x, |x| derivative(x, |x| gradient(&x, |x| wave(x)).1).1).1,
            gradient(&x, |x| gradient(&x, |x| derivative(x, wave).1).1).1,
            gradient(&x, |x| gradient(&x, |x| gradient(&x, |x| wave(x)).1).1).1,
        ]
    };
    for y in [forward(x), reverse(x)].concat() {
        super::assert_close(y, third, 1e-13, "third derivative");
    }
}

/// The same with tapes made by hand: four levels, the outermost reverse.
#[test]
fn tapes_nest_to_any_depth() {
    let outer = NumberTape::new();
    let x = outer.variable(0.7_f64);
    let mut middle = NumberTape::new();
    let (_, second) = middle.gradient(&x, |x| derivative(x, |x| derivative(x, wave).1).1);
    let fourth = second.backward().wrt(x);
    let expected = 1.4_f64.exp() * (24.0 * 0.7_f64.cos() - 7.0 * 0.7_f64.sin());
    super::assert_close(fourth, expected, 1e-13, "fourth derivative");
}

fn rosenbrock<N: Number>([x, y]: [N; 2]) -> N {
    let (a, b) = (N::ONE - x, y - x * x);
    a * a + constant::<N>(100.0) * b * b
}

#[test]
fn hessians_are_those_of_the_closed_form() {
    let [x, y] = [-0.3, 0.8];
    let expected = [[2.0 - 400.0 * (y - 3.0 * x * x), -400.0 * x], [-400.0 * x, 200.0]];
    let rows = hessian(&[x, y], |p| rosenbrock(p));
    let (_, product) = hvp(&[x, y], &[2.0, -1.0], |p| rosenbrock(p));
    for i in 0..2 {
        for j in 0..2 {
            super::assert_close(rows[i][j], expected[i][j], 1e-13, "Hessian");
        }
        super::assert_close(product[i], 2.0 * expected[i][0] - expected[i][1], 1e-13, "product");
    }
    // A derivative of the Hessian: d³/dx³ = 2400 x.
    let third = derivative(x, |x| hessian(&[x, constant(y)], |p| rosenbrock(p))[0][0]).1;
    super::assert_close(third, 2400.0 * x, 1e-13, "third derivative");
}

/// Minimizing 3 (y - sin x)² over y by gradient descent, then the minimum by x: cos x.
#[test]
fn an_optimizer_can_be_differentiated() {
    fn argmin<N: Number>(x: N) -> N {
        let mut y = N::ZERO;
        for _ in 0..100 {
            let (_, [slope]) = gradient(&[y], |[y]| {
                let miss = y - Reverse::constant(x.sin());
                constant::<Reverse<N>>(3.0) * miss * miss
            });
            y -= constant::<N>(0.1) * slope;
        }
        y
    }
    super::assert_close(derivative(0.4, argmin).1, 0.4_f64.cos(), 1e-13, "forward over reverse");
    super::assert_close(gradient(&0.4, |x| argmin(x)).1, 0.4_f64.cos(), 1e-13, "reverse over reverse");
}

#[test]
fn numbers_of_other_kinds_are_numbers_too() {
    let x = Tangents { value: 2.0_f64, tangents: [1.0, 10.0] };
    assert_eq!(gradient(&x, |x| x * x * x).1, Tangents { value: 12.0, tangents: [12.0, 120.0] });
    assert_eq!(gradient(&x, |x| x * x * x).1.tangents, [12.0, 120.0]);
    assert_eq!(gradient(&Nested(3.0_f32), |x| x * x).1, Nested(6.0));
    assert_eq!(jvp(&[3.0_f32, 1.0], &unit_f32(), |[x, y]| x * x * y), (9.0, 6.0));
}

fn unit_f32() -> [f32; 2] {
    super::unit(0)
}
