//! Derivatives of derivatives: every order of the modes, closed forms, and what is refused. Those of each op are held
//! in `gradients` and `golden`.

use unspool::autograd::{Dual, Nested, Nests, hvp, jvp};
use unspool::prelude::*;
use unspool_tests::panic_of;

#[derive(Params)]
struct Point<P> {
    x: P,
}

fn at<T: Scalar>(x: [f64; 2]) -> Point<Tensor<T>> {
    Point { x: Tensor::from_slice(&x, [2]).cast() }
}

/// `f(x) = a³ b²` of `x = (a, b)`.
fn f<T: Scalar>(x: Var<'_, T>) -> Var<'_, T> {
    let [a, b] = [0, 1].map(|i| x.select(0, i));
    a * a * a * b.square()
}

const X: [f64; 2] = [2.0, 3.0];
const D: [f64; 2] = [1.0, -2.0];
/// The second derivative along `D` twice: `f_aa = 6 a b²`, `f_ab = 6 a² b`, `f_bb = 2 a³`.
const SECOND: f64 = 108.0 - 4.0 * 72.0 + 4.0 * 16.0;
/// The gradient of that: `f_aaa = 6 b²`, `f_aab = 12 a b`, `f_abb = 6 a²`, `f_bbb = 0`.
const THIRD: [f64; 2] = [54.0 - 4.0 * 72.0 + 4.0 * 24.0, 72.0 - 4.0 * 24.0];

/// The slope along `D`, by reverse mode.
fn reverse<'t, T: Nests>(y: Var<'t, T>, x: Var<'t, T>) -> Var<'t, T> {
    let [g] = y.gradient_wrt([x]);
    (g * x.tape().constant(&at(D).x)).sum()
}

/// The same by forward mode.
fn forward<'t, T: Nests>(y: Var<'t, T>, x: Var<'t, T>) -> Var<'t, T> {
    y.jvp([(x, x.tape().constant(&at(D).x))])
}

type Mode<T> = for<'t> fn(Var<'t, T>, Var<'t, T>) -> Var<'t, T>;

#[test]
fn modes_nest_in_any_order() {
    type N = Nested<Nested<f64>>;
    let modes: [(&str, Mode<N>); 2] = [("reverse", reverse), ("forward", forward)];
    for (inner_name, inner) in modes {
        for (outer_name, outer) in modes {
            let tape = Tape::<N>::new();
            let x = tape.variable(&at(X).x);
            let second = outer(inner(f(x), x), x);
            assert_eq!(second.item().to_f64(), SECOND, "{outer_name} over {inner_name}");
            let third = second.backward().wrt(x).cast::<f64>();
            assert_eq!(third.to_vec(), THIRD, "reverse over {outer_name} over {inner_name}");
        }
    }
    // On a tape of duals, forward over all.
    let modes: [(&str, Mode<Dual<Nested<f64>>>); 2] = [("reverse", reverse), ("forward", forward)];
    for (name, inner) in modes {
        let (_, third) = hvp(&at::<Nested<f64>>(X), &at(D), |_, p| inner(f(p.x), p.x));
        assert_eq!(third.x.cast::<f64>().to_vec(), THIRD, "forward over reverse over {name}");
    }
    let moving = Point { x: at::<f64>(X).x.with_tangents(&at(D).x) };
    let (_, slope) = jvp(&moving, &at::<Dual<f64>>(D), |_, p| f(p.x));
    assert_eq!(slope.tangents().item(), SECOND, "forward over forward");
}

#[test]
fn a_power_is_differentiated_five_times() {
    let tape = Tape::<Nested<Nested<Nested<Nested<f64>>>>>::new();
    let x = tape.variable(&Tensor::<f64>::scalar(2.0).cast());
    let mut y = x * x * x * x * x;
    for expected in [32.0, 80.0, 160.0, 240.0] {
        assert_eq!(y.item().to_f64(), expected);
        [y] = y.gradient_wrt([x]);
    }
    assert_eq!(y.item().to_f64(), 240.0); // 120 x
    assert_eq!(y.backward().wrt(x).item().to_f64(), 120.0);
}

#[test]
fn a_tape_of_nested_numbers_computes_as_one_of_numbers() {
    fn run<T: Scalar>(x: &Tensor<f32>) -> Vec<f32> {
        let tape = Tape::<T>::new();
        let x = tape.variable(&x.cast());
        let y = x.matmul(x.t()).tanh().softmax(1).layer_norm(1e-5).square().sum();
        y.backward().wrt(x).cast::<f32>().to_vec()
    }
    let x = Tensor::<f32>::from_fn([9, 17], |i| (i as f32 * 0.7).sin());
    assert_eq!(run::<f32>(&x), run::<Nested<f32>>(&x));
}

#[test]
fn gradients_through_a_sequence_that_is_cut_stay_linear_in_its_length() {
    let length = 2000;
    let tape = Tape::<Nested<f32>>::new();
    let x = tape.variable(&Tensor::<f32>::ones([length, 1]).cast());
    let mut h = x.select(0, 0);
    for t in 1..length {
        h = (h + x.select(0, t)).tanh();
    }
    let [g] = h.sum().gradient_wrt([x]);
    // Had each step a gradient of the whole sequence, these alone would be 16 MB.
    let bytes = tape.bytes(0..tape.len());
    assert!(bytes < 4_000_000, "{bytes}");
    assert_eq!(g.square().sum().backward().wrt(x).shape()[..], [length, 1]);
}

#[test]
fn mistakes_are_told() {
    let (tape, other) = (Tape::<Nested<f64>>::new(), Tape::<Nested<f64>>::new());
    let [x, z] = [tape.variable(&at(X).x), tape.variable(&at(X).x)];
    let (c, y, foreign) = (tape.constant(&at(X).x), f(x), other.variable(&at(X).x));
    let told = |sentence: &str, mistake: &dyn Fn()| {
        let (message, file, _) = panic_of(mistake);
        assert_eq!(message, sentence);
        assert!(file.ends_with("nested.rs"), "{sentence}: {file}");
    };
    told("gradient_wrt: a loss has one element, this value has shape [2]", &|| {
        x.square().gradient_wrt([x]);
    });
    told("gradient_wrt: a constant has no gradient", &|| {
        y.gradient_wrt([c]);
    });
    told("gradient_wrt: the values belong to different tapes", &|| {
        y.gradient_wrt([foreign]);
    });
    told("gradient_of: a constant has no gradient", &|| {
        y.gradient_of(&Point { x: c });
    });
    told("jvp: a value of shape [2] cannot move along []", &|| {
        y.jvp([(x, y)]);
    });
    told("jvp: a constant has no gradient", &|| {
        y.jvp([(c, c)]);
    });
    told("jvp: the values belong to different tapes", &|| {
        y.jvp([(x, foreign)]);
    });
    let (message, _, _) = panic_of(|| drop(reverse(reverse(y, x), x).backward()));
    let sentence = "gradient: derivatives of this order need numbers with one more Nested<..> around those of the tape";
    assert_eq!(message, sentence);
    // A value on which it does not depend.
    assert_eq!(y.gradient_wrt([z])[0].value().cast::<f64>().to_vec(), [0.0, 0.0]);
    assert_eq!(y.jvp([(z, z)]).item().0, 0.0);
}

#[test]
fn a_value_that_is_given_twice_moves_along_the_sum() {
    let tape = Tape::<Nested<f64>>::new();
    let x = tape.variable(&at(X).x);
    let along = |d: [f64; 2]| tape.constant(&at(d).x);
    let both = f(x).jvp([(x, along([1.0, 0.0])), (x, along([0.0, -2.0]))]);
    assert_eq!(both.item(), f(x).jvp([(x, along(D))]).item());
}
