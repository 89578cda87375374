//! Jacobians of products with a constant, which are multiplied as plain numbers: against reverse mode, against the
//! same product over numbers with tangents, and against differences.

use unspool::autograd::{InputGrads, Inputs, Op, Real, jacfwd, jacrev};
use unspool::prelude::*;
use unspool_tests::values;

/// The product as an op that knows no shorter way.
#[derive(Clone)]
struct Product;

impl Op for Product {
    fn name(&self) -> &'static str {
        "product"
    }
    fn forward<T: Scalar>(&self, x: Inputs<'_, T>) -> Tensor<T> {
        x[0].matmul(&x[1])
    }
    fn backward<T: Scalar>(&self, _: Inputs<'_, T>, _: &Tensor<T>, _: Tensor<T>, _: &mut InputGrads<'_, T>) {}
}

#[track_caller]
fn assert_close<T: Real>(found: &Tensor<T>, expected: &Tensor<T>, tolerance: f64) {
    assert_eq!(found.shape(), expected.shape());
    let all = found.cast::<f64>().to_vec().into_iter().zip(expected.cast::<f64>().to_vec());
    for (i, (a, b)) in all.enumerate() {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "element {i}: {a} is not {b}");
    }
}

/// Shapes of the factors: a matrix, leading axes as rows, a vector, batches that broadcast either way, columns of one
/// element, many rows and columns, nothing, and as many axes as there can be.
const SHAPES: &[[&[usize]; 2]] = &[
    [&[3, 4], &[4, 5]],
    [&[2, 3, 4], &[4, 5]],
    [&[4], &[4, 3]],
    [&[2, 3, 4], &[2, 4, 5]],
    [&[3, 4], &[2, 4, 5]],
    [&[2, 1, 3, 4], &[3, 4, 2]],
    [&[5, 7], &[7, 1]],
    [&[1, 1], &[1, 1]],
    [&[600, 8], &[8, 3]],
    [&[2, 3], &[3, 70]],
    [&[0, 3], &[3, 2]],
    [&[2, 0], &[0, 2]],
    [&[2, 3], &[3, 0]],
    [&[1, 1, 2, 1, 2, 3], &[3, 2]],
    [&[2, 3], &[1, 2, 1, 1, 3, 2]],
];

/// A product of which one factor moves with `x`.
struct Factors {
    shapes: [&'static [usize]; 2],
    moving: usize,
    /// Whether the factor that moves is read along columns.
    transposed: bool,
}

impl Factors {
    fn of<'t, T: Scalar>(&self, tape: &'t Tape<T>, x: Var<'t, T>) -> [Var<'t, T>; 2] {
        [0, 1].map(|i| {
            let shape = self.shapes[i];
            if i != self.moving {
                return tape.data(&values(shape, 2));
            }
            let numbers: Vec<usize> = (0..shape.iter().product()).map(|i| i * 7 % x.shape()[0]).collect();
            let numbers = x.sin().index_select(0, numbers);
            match shape {
                [m, n] if self.transposed => numbers.reshape([*n, *m]).t(),
                _ => numbers.reshape(shape),
            }
        })
    }

    fn check<T: Real>(&self, tolerance: f64) {
        for directions in [1, 9, 28] {
            let x = values([directions], 1).cast::<T>();
            let found = jacfwd(&x, |tape, x| {
                let [a, b] = self.of(tape, x);
                a.matmul(b)
            });
            let over_tangents = jacfwd(&x, |tape, x| tape.apply(Product, &self.of(tape, x)));
            let reverse = jacrev(&x, |tape, x| {
                let [a, b] = self.of(tape, x);
                a.matmul(b)
            });
            assert_close(&found, &over_tangents, tolerance);
            assert_close(&found, &reverse, tolerance);
        }
    }
}

#[test]
fn products_with_a_constant_are_those_over_tangents() {
    for &shapes in SHAPES {
        for (moving, transposed) in [(0, false), (0, true), (1, false), (1, true)] {
            let factors = Factors { shapes, moving, transposed };
            factors.check::<f64>(1e-13);
            factors.check::<f32>(1e-5);
        }
    }
}

/// Each of rows, weight and bias moves or does not.
#[test]
fn affine_maps_move_with_what_moves() {
    let shapes: [&[usize]; 3] = [&[6, 4], &[4, 3], &[3]];
    fn of<'t, T: Scalar>(tape: &'t Tape<T>, x: Var<'t, T>, shapes: [&[usize]; 3], moving: usize) -> Var<'t, T> {
        let [rows, weight, bias] = [0, 1, 2].map(|i| {
            let constant = tape.data(&values(shapes[i], i as u64));
            if moving >> i & 1 == 1 { constant * x.select(0, i) + x.select(0, 10 + i) } else { constant }
        });
        rows.linear(weight, bias)
    }
    let x = values([13], 1);
    for moving in 0..8 {
        let (forward, reverse) =
            (jacfwd(&x, |tape, x| of(tape, x, shapes, moving)), jacrev(&x, |tape, x| of(tape, x, shapes, moving)));
        assert_close(&forward, &reverse, 1e-14);
    }
}

/// Derivatives of a Jacobian, by dual numbers: against differences.
#[test]
fn jacobians_of_products_nest() {
    let of = |shapes, moving| {
        let factors = Factors { shapes, moving, transposed: false };
        let (x, along) = (values([5], 1), values([5], 3));
        let reverse = |x: &Tensor<f64>| {
            jacrev(x, |tape, x| {
                let [a, b] = factors.of(tape, x);
                a.matmul(b)
            })
        };
        let change = jacfwd(&x.with_tangents(&along), |tape, x| {
            let [a, b] = factors.of(tape, x);
            a.matmul(b)
        });
        let step = 1e-5;
        let [above, below] = [step, -step].map(|step| reverse(&(&x + &along * step)));
        assert_close(&change.values(), &reverse(&x), 1e-13);
        assert_close(&change.tangents(), &((above - below) / (2.0 * step)), 1e-8);
    };
    of([&[3, 4], &[4, 5]], 0);
    of([&[3, 4], &[4, 5]], 1);
    of([&[2, 3, 4], &[2, 4, 5]], 0);
    of([&[3, 4], &[2, 4, 5]], 1);
}
