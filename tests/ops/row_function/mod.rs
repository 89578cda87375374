//! Functions of a few numbers over rows: derived gradients against duals of one row, against compositions of the tape's
//! ops, and over branches that rows take differently.

mod cell;
mod projection;
mod scan;
mod sentences;

use unspool::autograd::{Dual, hvp};
use unspool::ops::{RowFunction, row_function};
use unspool::prelude::*;
use unspool_tests::{assert_close, values};

row_function! {
    /// Each function of a number once, and each operator.
    struct Everything { scale } = "everything";
    |[x, y]| -> [T; 24] {
        let mut sum = x;
        sum += y;
        sum *= x;
        sum -= T::from_f64(3.0);
        sum /= y;
        [
            x + y, x - y, x * y, x / y, x % y, -x,
            T::from_f64(2.0) - x, T::from_f64(2.0) / x, x / T::from_f64(3.0), sum * scale,
            x.mul_add(y, x), (x + T::ONE).sqrt(), x.exp() - x.exp_m1(), (x * y).exp_m1(), x.ln() * y.ln_1p(),
            x.sin() * y.cos(), x.atan(), x.atan2(y), x.powf(y), x.powf(T::from_f64(2.5)),
            x.erf() - y.erfc(), (x - y).abs() * x.sign(), x.tanh(), (x * y).sigmoid(),
        ]
    }
}

/// The Jacobian of one row, from one dual number for each input.
fn jacobian_of_row<F: RowFunction<K, M>, const K: usize, const M: usize>(function: &F, x: [f64; K]) -> Vec<f64> {
    let columns: [[f64; M]; K] = std::array::from_fn(|k| {
        let seeded = std::array::from_fn(|i| Dual { value: x[i], tangent: f64::from(u8::from(i == k)) });
        function.call(seeded).map(|y| y.tangent)
    });
    (0..M).flat_map(|m| columns.map(|column| column[m])).collect()
}

/// Checks values and Jacobians of all rows, `[R, K]`, row by row.
#[track_caller]
fn check<F: RowFunction<K, M>, const K: usize, const M: usize>(function: &F, x: &Tensor<f64>, tolerance: f64) {
    let (y, jacobians) = function.jacobians(&[x], &[]);
    let rows = x.to_vec();
    let rows: Vec<[f64; K]> = rows.as_chunks().0.to_vec();
    let expected: Vec<f64> = rows.iter().flat_map(|&row| function.call(row)).collect();
    assert_close("values", &y, &Tensor::from_vec(expected, [rows.len(), M]), tolerance);
    let expected: Vec<f64> = rows.iter().flat_map(|&row| jacobian_of_row(function, row)).collect();
    let expected = Tensor::from_vec(expected, [rows.len(), M, K]);
    assert_close("jacobians", &jacobians, &expected, tolerance);

    let tape = Tape::new();
    let input = tape.variable(x);
    let y = function.map_rows(&[input]);
    let seed = values(y.shape(), 5);
    let dx = y.backward_with(&seed).wrt(input);
    let sums = seed.unsqueeze(1).matmul(&expected).reshape(x.shape());
    assert_close("gradient", &dx, &sums, 10.0 * tolerance);
}

/// Positive numbers.
fn positive(rows: usize, width: usize) -> Tensor<f64> {
    values([rows, width], 1).map(|x| x.abs() + 0.25)
}

#[test]
fn every_function_of_a_number_has_its_derivative() {
    // More rows than the largest block.
    for rows in [1, 15, 16, 33, 700] {
        check(&Everything { scale: 0.5 }, &positive(rows, 2), 1e-13);
    }
}

row_function! {
    /// The root of `r³ + r = a + b r` by Newton's method, until it stands still; each row takes its own number of steps.
    struct Root = "root";
    |[a, b]| -> [T; 2] {
        let mut r = if a > T::ZERO { a } else { a * b };
        let mut steps = T::ZERO;
        loop {
            let step = (r * r * r + r - a - b * r) / (T::from_f64(3.0) * r * r + T::ONE - b);
            r -= step;
            steps += T::ONE;
            if step.abs() < T::from_f64(1e-12) {
                return [r, steps];
            }
        }
    }
}

#[test]
fn rows_take_their_own_branches() {
    let rows = Tensor::from_fn([300, 2], |i| match i % 2 {
        0 => f64::from(i as u32 % 7 * 100) - 300.5,
        _ => -f64::from(i as u32 % 5),
    });
    let (y, jacobians) = Root.jacobians(&[&rows], &[]);
    let steps = y.select(1, 1).to_vec();
    assert!(steps.iter().any(|&n| n > steps[0]) && steps.iter().any(|&n| n < steps[0]), "{steps:?}");
    check(&Root, &rows, 1e-12);
    // dr / da = 1 / (3 r² + 1 - b), by the implicit function theorem.
    for (i, row) in rows.to_vec().chunks(2).enumerate() {
        let r = y.at([i, 0]);
        let expected = 1.0 / (3.0 * r * r + 1.0 - row[1]);
        assert!((jacobians.at([i, 0, 0]) - expected).abs() < 1e-9, "row {i}");
    }
}

row_function! {
    /// Outputs of every kind: a constant, an input, the same twice; and an input that nothing depends on.
    struct Odd = "odd";
    |[x, _unused, y]| -> [T; 4] {
        let product = x * y;
        [T::ONE, y, product, product]
    }
}

#[test]
fn constants_have_no_column_in_a_jacobian() {
    let (a, b) = (positive(40, 1), positive(40, 1).slice(0, 0..1));
    let everything = Everything { scale: 2.0 };
    let (values, all) = everything.jacobians(&[&a, &b], &[]);
    let (same, by_a) = everything.jacobians(&[&a], &[&b]);
    assert_eq!((same.to_vec(), by_a.to_vec()), (values.to_vec(), all.slice(2, ..1).to_vec()));
    let (same, by_none) = everything.jacobians(&[], &[&a, &b]);
    assert_eq!((same.to_vec(), by_none.shape()[..].to_vec()), (values.to_vec(), vec![40, 24, 0]));
}

#[test]
fn outputs_may_be_constants_inputs_and_the_same_twice() {
    check(&Odd, &values([40, 3], 1), 1e-15);
}

#[test]
fn the_other_axes_broadcast_and_views_are_read_in_place() {
    let everything = Everything { scale: 2.0 };
    let tape = Tape::new();
    let a = tape.variable(&positive(5 * 40, 1).reshape([5, 1, 40]).permute(&[2, 1, 0]).slice(0, 3..)); // [37, 1, 5]
    let b = tape.variable(&positive(3, 1).reshape([3, 1]));
    let [p, q] = [a, b].map(|x| x.unsqueeze(x.shape().rank()));
    let by_rows = everything.map_rows(&[p, q]); // [37, 3, 5, 24]
    let by_elements = everything.map_elements([a, b]);
    assert_eq!(by_rows.shape()[..], [37, 3, 5, 24]);
    let seed = values([37, 3, 5, 24], 3);
    let rows = by_rows.backward_with(&seed);
    let sum = by_elements.iter().enumerate().map(|(m, &y)| (y * tape.constant(&seed.select(3, m))).sum());
    let elements = sum.reduce(|a, b| a + b).unwrap().backward();
    for (m, y) in by_elements.iter().enumerate() {
        assert_eq!(y.value().to_vec(), by_rows.value().select(3, m).to_vec());
    }
    for x in [a, b] {
        assert_close("gradient", &elements.wrt(x), &rows.wrt(x), 1e-13);
    }
    // The same with every operand copied to the common shape.
    let [whole_a, whole_b] = [a, b].map(|x| tape.variable(&x.value().expand([37, 3, 5]).contiguous().unsqueeze(3)));
    let whole = everything.map_rows(&[whole_a, whole_b]);
    assert_eq!(whole.value().to_vec(), by_rows.value().to_vec());
    let whole = whole.backward_with(&seed);
    let sum = |x, axis: usize| whole.wrt(x).select(3, 0).sum_axes(&[axis]);
    assert_close("sum over the middle axis", &rows.wrt(a).select(1, 0), &sum(whole_a, 1), 1e-12);
    assert_close("over the others", &rows.wrt(b).select(1, 0), &sum(whole_b, 0).sum_axes(&[1]), 1e-12);
}

#[test]
fn no_rows_are_no_rows() {
    let tape = Tape::new();
    let [x, y] = [2, 0].map(|width| tape.variable(&Tensor::<f64>::zeros([0, width])));
    let out = Odd.map_rows(&[x, y, tape.constant(&Tensor::zeros([1]))]);
    assert_eq!(out.shape()[..], [0, 4]);
    assert_eq!(out.sum().backward().wrt(x).shape()[..], [0, 2]);
}

#[test]
fn an_input_without_a_gradient_needs_none() {
    let tape = Tape::new();
    let x = positive(50, 1);
    let (a, b) = (tape.variable(&x), tape.constant(&x));
    let everything = Everything { scale: 1.0 };
    let seed = values([50, 24], 2);
    let alone = everything.map_rows(&[a, b]).backward_with(&seed).wrt(a);
    let c = tape.variable(&x);
    let both = everything.map_rows(&[a, c]).backward_with(&seed);
    assert_eq!(alone.to_vec(), both.wrt(a).to_vec());
}

#[derive(Params, Clone)]
struct Rows<P> {
    x: P,
}

#[test]
fn second_derivatives_are_those_of_nested_duals() {
    let x = positive(20, 2);
    let direction = values([20, 2], 7);
    let everything = Everything { scale: 0.5 };
    let (gradient, product) =
        hvp(&Rows { x: x.clone() }, &Rows { x: direction.clone() }, |_, rows| everything.map_rows(&[rows.x]).sum());
    let (x, v) = (x.to_vec(), direction.to_vec());
    for row in 0..20 {
        for k in 0..2 {
            let seeded: [Dual<Dual<f64>>; 2] = std::array::from_fn(|i| Dual {
                value: Dual { value: x[2 * row + i], tangent: v[2 * row + i] },
                tangent: Dual::constant(f64::from(u8::from(i == k))),
            });
            let sum = everything.call(seeded).into_iter().reduce(|a, b| a + b).unwrap().tangent;
            for (got, expected) in [(gradient.x.at([row, k]), sum.value), (product.x.at([row, k]), sum.tangent)] {
                assert!((got - expected).abs() < 1e-11 * expected.abs().max(1.0), "{got} is not {expected}");
            }
        }
    }
}
