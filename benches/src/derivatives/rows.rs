//! Losses that are sums over rows of data: value and gradient on one tape, and in parts.

use crate::{least, values};
use std::ops::Range;
use unspool::prelude::*;

/// The loss of some rows of data, given the variables that it depends on.
type Loss<const N: usize> = for<'t> fn(&'t Tape<f64>, &[Tensor<f64>], [Var<'t, f64>; N], Range<usize>) -> Var<'t, f64>;

pub fn report() {
    println!("| loss | rows | objective, one tape, ms | in parts | gradient, one tape, ms | in parts | ratio |");
    println!("|---|---|---|---|---|---|---|");
    for (n, d, k) in [(1_000, 64, 25), (10_000, 10, 25), (10_000, 32, 5)] {
        let inputs = [values([k, d, d], 0.3), values([k, d], 1.0), values([k], 0.5)];
        row(&format!("gmm, D {d}, K {k}"), n, &[values([n, d], 1.0)], inputs, gmm);
    }
    for (n, d, k) in [(10_000, 8, 100), (200_000, 2, 20)] {
        row(&format!("kmeans, D {d}, K {k}"), n, &[values([n, d], 1.0)], [values([k, d], 1.0)], kmeans);
    }
    for (n, m) in [(1_000, 16), (10_000, 64), (300_000, 32)] {
        let t = Tensor::from_fn([n], |i| -1.0 + 2.0 * i as f64 / (n - 1) as f64);
        let s = t.map(f64::signum);
        row(&format!("llsq, M {m}"), n, &[t, s], [values([m], 1.0)], llsq);
    }
}

/// Minus the log-likelihood of a Gaussian mixture: with factors of the precisions `q` `[K, D, D]`, means `[K, D]` and
/// log-weights `[K]`, of data `[N, D]`.
fn gmm<'t>(
    tape: &'t Tape<f64>,
    data: &[Tensor<f64>],
    [q, means, weights]: [Var<'t, f64>; 3],
    rows: Range<usize>,
) -> Var<'t, f64> {
    let x = tape.constant(&data[0].slice(0, rows));
    let centered = x - means.unsqueeze(1); // [K, N, D]
    let distances = centered.matmul(q).square().sum_axes(&[2]); // [K, N]
    -(weights.unsqueeze(1) - 0.5 * distances).logsumexp_axes(&[0]).sum()
}

/// The squared distance of each point to its nearest center.
fn kmeans<'t>(
    tape: &'t Tape<f64>,
    data: &[Tensor<f64>],
    [centers]: [Var<'t, f64>; 1],
    rows: Range<usize>,
) -> Var<'t, f64> {
    let points = tape.constant(&data[0].slice(0, rows));
    (points.unsqueeze(1) - centers).square().sum_axes(&[2]).min_axes(&[1]).sum()
}

/// Least squares of a polynomial.
fn llsq<'t>(tape: &'t Tape<f64>, data: &[Tensor<f64>], [x]: [Var<'t, f64>; 1], rows: Range<usize>) -> Var<'t, f64> {
    let [t, s] = [0, 1].map(|i| tape.constant(&data[i].slice(0, rows.clone())));
    let polynomial = x.unbind().rev().reduce(|sum, coefficient| sum * t + coefficient).expect("a coefficient");
    0.5 * (s - polynomial).square().sum()
}

fn row<const N: usize>(name: &str, n: usize, data: &[Tensor<f64>], inputs: [Tensor<f64>; N], loss: Loss<N>) {
    let inputs = &inputs;
    let run = |gradient: bool, parts: bool| {
        let mut tape = Tape::new();
        move || {
            {
                let inputs = inputs.each_ref().map(|x| if gradient { tape.variable(x) } else { tape.constant(x) });
                let sum = match parts {
                    true => tape.sum_over_rows(n, inputs, |tape, inputs, rows| loss(tape, data, inputs, rows)),
                    false => loss(&tape, data, inputs, 0..n),
                };
                if gradient {
                    std::hint::black_box(sum.backward().wrt(inputs[0]));
                }
            }
            tape.reset();
        }
    };
    let mut runs =
        [(false, false), (false, true), (true, false), (true, true)].map(|(gradient, parts)| run(gradient, parts));
    let [a, b, c, d] = least(runs.each_mut().map(|run| run as &mut dyn FnMut())).map(|time| time * 1e3);
    println!("| {name} | {n} | {a:.3} | {b:.3} | {c:.3} | {d:.3} | {:.2} |", d / c);
}
