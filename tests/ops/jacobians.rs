//! Jacobians and Hessians, forward and in reverse, dense and sparse: against closed forms and each other.

use unspool::autograd::{
    Sparsity, hessian, hessian_diagonal, hvp, jacfwd, jacrev, jvp, jvps, sparse_hessian, sparse_jacobian, vjp,
};
use unspool::prelude::*;
use unspool_tests::{panic_of, values};

#[derive(Params)]
struct At<P> {
    x: P,
}

#[track_caller]
fn assert_close(found: &Tensor<f64>, expected: &Tensor<f64>, tolerance: f64) {
    assert_eq!(found.shape(), expected.shape());
    for (i, (a, b)) in found.to_vec().into_iter().zip(expected.to_vec()).enumerate() {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "element {i}: {a} is not {b}");
    }
}

/// Ops of every kind: products of small and of larger matrices with constants and with each other, reductions, shapes,
/// indices, powers and a loop.
fn pipeline<'t, T: Scalar>(tape: &'t Tape<T>, x: Var<'t, T>) -> Var<'t, T> {
    let constant = |shape: &[usize], seed| tape.data(&values(shape, seed));
    let mut m = x.slice(0, 0..16).reshape([4, 4]) * 0.3;
    for k in 0..5 {
        let turn = x.select(0, 16 + k);
        let (sin, cos) = (turn.sin(), turn.cos());
        let rotation = Var::stack(0, &[cos, -sin, sin, cos]).reshape([2, 2]).pad(0, 0, 2).pad(1, 0, 2);
        m = (m.matmul(rotation + constant(&[4, 4], k as u64))).tanh();
    }
    let blended = constant(&[60, 7], 8).matmul(m.reshape([16]).slice(0, 0..14).reshape([7, 2])); // [60, 2]
    let wide = blended.matmul(x.slice(0, 0..18).reshape([2, 9])); // both move: [60, 9]
    let picked = wide.index_select(0, [3, 59, 3, 0]).softmax(1);
    let norms = wide.square().sum_axes(&[0]).sqrt();
    // What depends on constants alone is computed once.
    let scale = constant(&[9], 9).exp().square().sum();
    let rest =
        Var::stack(0, &[wide.logsumexp_axes(&[0]), norms / scale, wide.max_axes(&[0]), wide.select(0, 7).powi(3)]);
    Var::concat(0, &[picked.reshape([36]), rest.reshape([36]), x.cumsum(0), x.flip(0) * x])
}

#[test]
fn forward_and_reverse_agree() {
    // One group of directions, a part of one, several, and more than are pushed at once.
    let x = values([21], 3);
    let (forward, reverse) = (jacfwd(&x, pipeline), jacrev(&x, pipeline));
    assert_close(&forward, &reverse, 1e-11);
    for n in [1, 7, 8, 9, 64, 65, 150] {
        let x = values([n], n as u64);
        fn chain<'t, T: Scalar>(x: Var<'t, T>) -> Var<'t, T> {
            (x.cumsum(0).sin() * x).exp()
        }
        assert_close(&jacfwd(&x, |_, x| chain(x)), &jacrev(&x, |_, x| chain(x)), 1e-12);
    }
}

#[test]
fn f32_and_shapes() {
    let x = Tensor::<f32>::from_fn([2, 3], |i| i as f32);
    let j = jacfwd(&x, |_, x| x.t().square());
    let at = |i: usize| (i % 2 * 3 + i / 2, i / 2 + i % 2 * 3); // of the transpose
    let expected = Tensor::from_fn([6, 6], |i| if at(i / 6).0 == i % 6 { 2.0 * (i % 6) as f32 } else { 0.0 });
    assert_eq!(j, expected);
    // A value that is the variable, one that does not depend on it, and one without elements.
    assert_eq!(
        jacfwd(&x, |_, x| x).to_vec(),
        Tensor::from_fn([36], |i| if i % 7 == 0 { 1.0f32 } else { 0.0 }).to_vec()
    );
    assert_eq!(jacfwd(&x, |tape, _| tape.constant(&Tensor::ones([2]))), Tensor::zeros([2, 6]));
    assert_eq!(jacfwd(&x, |_, x| x.slice(0, 0..0)), Tensor::zeros([0, 6]));
    assert_eq!(jacfwd(&Tensor::<f32>::zeros([0]), |_, x| x.sum()), Tensor::zeros([1, 0]));
}

#[derive(Params, Clone)]
struct Layer2<P> {
    w: P,
    b: P,
    #[params(buffer)]
    scale: P,
}

#[test]
fn several_directions_of_a_model_are_several_products() {
    let model = |seed| Layer2 { w: values([5, 3], seed), b: values([3], seed + 1), scale: values([3], 9) };
    fn of<'t, T: Scalar>(tape: &'t Tape<T>, net: &Layer2<Var<'t, T>>) -> Var<'t, T> {
        (tape.data(&values([4, 5], 7)).matmul(net.w) * net.scale + net.b).tanh()
    }
    let directions: Vec<_> = (0..11).map(|k| model(20 + k)).collect();
    let (value, tangents) = jvps(&model(1), &directions, of);
    for (direction, tangent) in directions.iter().zip(&tangents) {
        let (expected_value, expected) = jvp(&model(1), direction, of);
        assert_eq!(value, expected_value);
        assert_close(tangent, &expected, 1e-13);
    }
    assert_eq!(jvps(&model(1), &[], of).1.len(), 0);
}

/// What only depends on constants runs once; the function itself runs once.
#[test]
fn the_function_runs_once() {
    let mut calls = std::cell::Cell::new(0);
    jacfwd(&values([100], 1), |_, x| {
        calls.set(calls.get() + 1);
        x.exp()
    });
    assert_eq!(*calls.get_mut(), 1);
}

/// Blocks `[3, 2]` along the diagonal and dense columns after them, as of points with parameters of their own and
/// parameters of all.
#[test]
fn blocks_and_dense_columns_are_few_directions() {
    const POINTS: usize = 50;
    let elements = || {
        (0..3 * POINTS).flat_map(|row| {
            let point = row / 3;
            [2 * point, 2 * point + 1].into_iter().chain(2 * POINTS..2 * POINTS + 4).map(move |column| (row, column))
        })
    };
    let sparsity = Sparsity::new([3 * POINTS, 2 * POINTS + 4], elements());
    assert_eq!(sparsity.directions(), 6);
    fn of<'t, T: Scalar>(x: Var<'t, T>) -> Var<'t, T> {
        let (own, all) = (x.slice(0, 0..2 * POINTS).reshape([POINTS, 2]), x.slice(0, 2 * POINTS..));
        let [u, v] = [0, 1].map(|i| own.select(1, i));
        let p = Var::stack(1, &[u * v * all.select(0, 0), u.exp() * all.select(0, 1), v.sin() + all.select(0, 2)]);
        (p * all.select(0, 3)).reshape([3 * POINTS])
    }
    let x = values([2 * POINTS + 4], 5);
    let sparse = sparse_jacobian(&x, &sparsity, |_, x| of(x));
    assert_close(&sparse.to_dense(), &jacrev(&x, |_, x| of(x)), 1e-13);
    let coordinates: Vec<_> = sparse.rows.iter().copied().zip(sparse.columns.iter().copied()).collect();
    assert!(coordinates.into_iter().eq(elements()), "the order is kept");
}

#[test]
fn groups_of_columns_have_no_row_in_common() {
    assert_eq!(Sparsity::banded([200, 200], 2, 3).directions(), 6);
    assert_eq!(Sparsity::banded([3, 100], 0, 1).directions(), 2);
    assert_eq!(Sparsity::block_diagonal(20, [1, 7]).directions(), 7);
    assert_eq!(Sparsity::new([4, 4], []).directions(), 1); // columns without elements share one
    assert_eq!(Sparsity::block_diagonal(1, [2, 130]).directions(), 130); // more than bits of two words
    let x = values([100], 2);
    let arrow = (0..100).map(|i| (i, i)).chain((1..100).map(|i| (i, 0)));
    let sparse = sparse_jacobian(&x, &Sparsity::new([100, 100], arrow), |_, x| x.square() * x.select(0, 0));
    assert_close(&sparse.to_dense(), &jacrev(&x, |_, x| x.square() * x.select(0, 0)), 1e-14);
}

/// `sum (x_i - x_{i+1})² + x_i⁴`: a tridiagonal Hessian.
fn chain_loss<'t, T: Scalar>(x: Var<'t, T>) -> Var<'t, T> {
    let n = x.shape()[0];
    (x.slice(0, 1..) - x.slice(0, ..n - 1)).square().sum() + x.square().square().sum()
}

#[test]
fn hessians_whole_sparse_and_diagonal_agree() {
    for n in [2, 8, 9, 40] {
        let x = values([n], n as u64);
        let by_hand = Tensor::from_fn([n, n], |at| match (at / n, at % n) {
            (i, j) if i == j => (if i == 0 || i == n - 1 { 2.0 } else { 4.0 }) + 12.0 * x.at([i]).powi(2),
            (i, j) if i.abs_diff(j) == 1 => -2.0,
            _ => 0.0,
        });
        assert_close(&hessian(&x, |_, x| chain_loss(x)), &by_hand, 1e-13);
        assert_close(&hessian_diagonal(&x, |_, x| chain_loss(x)), &Tensor::from_fn([n], |i| by_hand.at([i, i])), 1e-13);
        let sparse = sparse_hessian(&x, &Sparsity::banded([n, n], 1, 1), |_, x| chain_loss(x));
        assert_close(&sparse.to_dense(), &by_hand, 1e-13);
    }
    // Through ops of every kind, against one product at a time.
    let x = values([21], 4);
    let whole = hessian(&x, |tape, x| pipeline(tape, x).square().sum());
    for k in [0, 13, 20] {
        let one = At { x: Tensor::from_fn([21], |i| if i == k { 1.0 } else { 0.0 }) };
        let (_, product) = hvp(&At { x: x.clone() }, &one, |tape, at| pipeline(tape, at.x).square().sum());
        assert_close(&whole.select(1, k).contiguous(), &product.x, 1e-11);
    }
    let shaped = hessian_diagonal(&values([3, 4], 1), |_, x| (x.square() * x).sum());
    assert_close(&shaped, &(values([3, 4], 1) * 6.0), 1e-14);
}

#[test]
fn kept_tapes_do_not_change_a_result() {
    let x = values([21], 3);
    let once = jacfwd(&x, pipeline);
    jacfwd(&values([5], 1), |_, x| x.exp());
    assert_eq!(once, jacfwd(&x, pipeline));
    // One within another, and one after a mistake.
    let nested = jacfwd(&x, |tape, x| x * tape.data(&jacfwd(&values([21], 2), |_, y| y.square().sum()).reshape([21])));
    assert_eq!(nested.at([4, 4]), 2.0 * values([21], 2).at([4]));
    panic_of(|| drop(jacfwd(&x, |_, x| x.matmul(x))));
    assert_eq!(once, jacfwd(&x, pipeline));
}

#[test]
fn what_is_dropped_or_released_is_still_there() {
    let x = values([6], 2);
    fn of<'t, T: Scalar>(tape: &'t Tape<T>, x: Var<'t, T>) -> Var<'t, T> {
        let [y] = tape.checkpoint(|| [(x.exp() * tape.data(&values([6], 1))).sin()]);
        let [z] = tape.tidy(|| [(y * y).cos() + 1.0]);
        z / (x.square() + 1.0)
    }
    assert_close(&jacfwd(&x, of), &jacrev(&x, of), 1e-13);
}

#[test]
fn sentences() {
    let x = values([4], 1);
    let sentence = |f: &dyn Fn()| panic_of(f).0;
    assert_eq!(
        sentence(&|| drop(Sparsity::new([2, 3], [(0, 0), (1, 3)]))),
        "Sparsity: a matrix [2, 3] has no element [1, 3]"
    );
    let four = Sparsity::banded([4, 4], 0, 0);
    assert_eq!(
        sentence(&|| drop(sparse_jacobian(&values([3], 1), &four, |_, x| x))),
        "sparse_jacobian: a sparsity of 4 columns is not one of 3 inputs"
    );
    assert_eq!(
        sentence(&|| drop(sparse_jacobian(&x, &four, |_, x| x.sum()))),
        "sparse_jacobian: a sparsity of 4 rows is not one of 1 outputs"
    );
    assert_eq!(
        sentence(&|| drop(sparse_hessian(&x, &Sparsity::banded([3, 4], 0, 0), |_, x| x.sum()))),
        "sparse_hessian: a sparsity of [3, 4] is not one of [4, 4]"
    );
    assert_eq!(sentence(&|| drop(hessian(&x, |_, x| x))), "hessian: a loss has one element, this value has shape [4]");
}

#[test]
fn mistakes_point_to_the_callers_line() {
    let x = values([4], 1);
    let here = |mistake: &dyn Fn()| {
        let (message, file, _) = panic_of(mistake);
        assert!(file.ends_with("jacobians.rs"), "{message}: {file}");
    };
    here(&|| drop(hessian(&x, |_, x| x)));
    here(&|| drop(hessian_diagonal(&x, |_, x| x)));
    here(&|| drop(sparse_hessian(&x, &Sparsity::banded([4, 4], 0, 0), |_, x| x)));
    here(&|| drop(hvp(&At { x: x.clone() }, &At { x: x.clone() }, |_, p| p.x)));
    here(&|| drop(vjp(&At { x: x.clone() }, &values([3], 1), |_, p| p.x)));
}

#[test]
fn a_band_may_be_wider_than_the_matrix() {
    assert_eq!(Sparsity::banded([2, 3], usize::MAX, usize::MAX).directions(), 3);
}
