//! Long programs in bounded memory.

use super::assert_close;
use unspool::Number;
use unspool::numbers::{NumberTape, Reverse, derivative, gradient, preaccumulate};

/// The determinant of an n x n matrix by expansion along its first row.
fn determinant<N: Number>(a: &[N], n: usize) -> N {
    expand(a, n, &mut (0..n).collect(), &mut |a, columns| minor(a, n, columns))
}

fn minor<N: Number>(a: &[N], n: usize, columns: &mut Vec<usize>) -> N {
    if columns.is_empty() {
        return N::ONE;
    }
    expand(a, n, columns, &mut |a, columns| minor(a, n, columns))
}

/// The first row's entries in these columns, times the minors of the rows below.
fn expand<N: Number>(
    a: &[N],
    n: usize,
    columns: &mut Vec<usize>,
    minor: &mut dyn FnMut(&[N], &mut Vec<usize>) -> N,
) -> N {
    let mut sum = N::ZERO;
    for j in 0..columns.len() {
        let column = columns.remove(j);
        let term = a[column] * minor(&a[n..], columns);
        columns.insert(j, column);
        if j % 2 == 0 { sum += term } else { sum -= term }
    }
    sum
}

/// The same with each minor of the first row preaccumulated.
fn preaccumulated<'t, N: Number>(a: &[Reverse<'t, N>], n: usize) -> Reverse<'t, N> {
    expand(a, n, &mut (0..n).collect(), &mut |a, columns| {
        let [y] = preaccumulate(a, |a| [minor(&a, n, columns)]);
        y
    })
}

fn matrix(n: usize) -> Vec<f64> {
    (0..n * n).map(|i| ((i * 7919 + 13) % 101 + 1) as f64 / 102.0 - if i % (n + 1) == 0 { 1.0 } else { 0.0 }).collect()
}

/// The gradient of a determinant is the determinant times the transposed inverse: A times it is the determinant on the
/// diagonal.
#[test]
fn the_gradient_of_a_determinant_is_its_cofactors() {
    let n = 6;
    let a = matrix(n);
    let (det, whole) = gradient(&a, |a| determinant(&a, n));
    let (cut_det, cut) = gradient(&a, |a| preaccumulated(&a, n));
    assert_eq!(det, cut_det);
    for (cofactors, what) in [(&whole, "whole"), (&cut, "preaccumulated")] {
        for i in 0..n {
            for j in 0..n {
                let product: f64 = (0..n).map(|k| a[i * n + k] * cofactors[j * n + k]).sum();
                assert_close(product, if i == j { det } else { 0.0 }, 1e-13, what);
            }
        }
    }
}

#[test]
fn the_tape_holds_what_was_preaccumulated_in_the_size_of_its_inputs() {
    let n = 7;
    let len = |function: for<'t> fn(&[Reverse<'t, f64>], usize) -> Reverse<'t, f64>| {
        let tape = NumberTape::new();
        let a: Vec<_> = matrix(n).into_iter().map(|x| tape.variable(x)).collect();
        function(&a, n);
        tape.len()
    };
    let (whole, cut) = (len(|a, n| determinant(a, n)), len(preaccumulated));
    // 7 minors of 36 inputs each, and the sum of 7 products.
    assert_eq!(cut, 49 + 7 * 35 + 13);
    assert!(whole > 10_000, "{whole}");
}

#[test]
fn preaccumulated_functions_nest_and_are_differentiated_again() {
    fn program<'t, N: Number>([x, y]: [Reverse<'t, N>; 2]) -> Reverse<'t, N> {
        let [z] = preaccumulate(&[x, y], |[x, y]| {
            let [w] = preaccumulate(&y, |y| [y.exp() * y]);
            [x * w]
        });
        z * z
    }
    // (x y exp(y))², by x and y: 4 x y exp(2 y) (1 + y) y.
    let (x, y) = (1.3, 0.4_f64);
    let mixed = 4.0 * x * y * (2.0 * y).exp() * (1.0 + y);
    let forward = derivative(x, |x| gradient(&[x, Number::from_f64(y)], program).1[1]).1;
    let reverse = gradient(&x, |x| gradient(&[x, Number::from_f64(y)], program).1[1]).1;
    assert_close(forward, mixed, 1e-14, "forward");
    assert_close(reverse, mixed, 1e-14, "reverse");
}

#[test]
fn constants_stay_constants() {
    let tape = NumberTape::new();
    let (x, c) = (tape.variable(3.0), Reverse::constant(2.0));
    let [y, z] = preaccumulate(&[x, c], |[x, c]| [x * c, c * c]);
    assert_eq!((y.value(), z.value(), tape.len()), (6.0, 4.0, 1));
    assert_eq!((y.backward().wrt(x), z.backward().wrt(x)), (2.0, 0.0));
    let [y] = preaccumulate(&[c], |[c]| [c * c]);
    assert_eq!((y.value(), tape.len()), (4.0, 1));
}
