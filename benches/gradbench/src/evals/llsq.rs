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
    let t = x.tape().constant(&Tensor::from_fn([n, 1], |i| -1.0 + i as f64 * 2.0 / (n as f64 - 1.0)));
    // Row i: 1, t_i, t_i², ..
    let powers = Var::concat(1, &[t.new_zeros([n, 1]) + 1.0, t.expand([n, m - 1])]).cumprod(1);
    let residuals = t.sign() - powers.matmul(x.unsqueeze(1));
    0.5 * residuals.square().sum()
}
