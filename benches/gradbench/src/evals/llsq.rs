//! Least squares: how well the polynomial with coefficients `x` approximates the sign function at
//! `n` points `t` from -1 to 1, `y = 1/2 sum over i of (sign(t_i) - sum over j of x_j t_i^j)²`.
//!
//! Bradley M. Bell, cmpad, "llsq_obj".

use super::Functions;
use crate::json::vector;
use crate::runs::run_on_tape;
use serde::Deserialize;
use unspool::{Tensor, Var};

pub(super) const FUNCTIONS: Functions = &[
    ("primal", |input| run_on_tape(input, |tape, input: &Input| loss(tape.constant(&input.x), input.n).item())),
    ("gradient", |input| {
        run_on_tape(input, |tape, input: &Input| {
            let x = tape.variable(&input.x);
            loss(x, input.n).backward().wrt(x)
        })
    }),
];

#[derive(Deserialize)]
struct Input {
    #[serde(deserialize_with = "vector")]
    x: Tensor<f64>,
    n: usize,
}

fn loss(x: Var<'_, f64>, n: usize) -> Var<'_, f64> {
    let m = x.shape()[0];
    let squares = x.tape().sum_over_rows(n, [x.unsqueeze(0)], |tape, [x], rows| {
        let t = |i: usize| -1.0 + i as f64 * 2.0 / (n as f64 - 1.0);
        let t = tape.constant(&Tensor::from_fn([1, rows.len()], |i| t(rows.start + i)));
        let powers = t.expand([m - 1, rows.len()]).cumprod(0); // t, t², ..
        let polynomial = x.slice(1, ..1) + x.slice(1, 1..).matmul(powers);
        (t.sign() - polynomial).square().sum()
    });
    0.5 * squares
}
