//! A system of differential equations, solved by the classic Runge-Kutta method in `s` steps from 0 to 2:
//! `y_0' = x_0` and `y_i' = x_i y_(i-1)`, from `y = 0`. The gradient is that of the last `y` at the end.
//!
//! Bradley M. Bell, cmpad, "an_ode".

use super::Functions;
use crate::json::vector;
use crate::runs::run_on_tape;
use serde::Deserialize;
use unspool::{Tensor, Var};

pub(super) const FUNCTIONS: Functions = &[
    ("primal", |input| run_on_tape(input, |tape, input: &Input| solve(tape.constant(&input.x), input.s).value())),
    ("gradient", |input| {
        run_on_tape(input, |tape, input: &Input| {
            let x = tape.variable(&input.x);
            solve(x, input.s).last().backward().wrt(x)
        })
    }),
];

#[derive(Deserialize)]
struct Input {
    #[serde(deserialize_with = "vector")]
    x: Tensor<f64>,
    s: usize,
}

fn solve<'t>(x: Var<'t, f64>, steps: usize) -> Var<'t, f64> {
    // With 1 in front of y, all equations read the same.
    let slope = |y: Var<'t, f64>| x * y.slice(0, ..-1).pad_with(0, 1, 0, 1.0);
    let h = 2.0 / steps as f64;
    let mut y = x.new_zeros(x.shape());
    for _ in 0..steps {
        let k1 = slope(y);
        let k2 = slope(y + h / 2.0 * k1);
        let k3 = slope(y + h / 2.0 * k2);
        let k4 = slope(y + h * k3);
        y = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
    }
    y
}
