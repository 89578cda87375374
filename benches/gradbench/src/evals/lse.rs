//! The logarithm of a sum of exponentials, from its parts: `a + ln sum exp(x - a)`, where `a` is the
//! largest element.

use super::Functions;
use crate::json::vector;
use crate::runs::run_on_tape;
use serde::Deserialize;
use unspool::{Tensor, Var};

pub(super) const FUNCTIONS: Functions = &[
    ("primal", |input| run_on_tape(input, |tape, input: &Input| log_sum_exp(tape.constant(&input.x)).item())),
    ("gradient", |input| {
        run_on_tape(input, |tape, input: &Input| {
            let x = tape.variable(&input.x);
            log_sum_exp(x).backward().wrt(x)
        })
    }),
];

#[derive(Deserialize)]
struct Input {
    #[serde(deserialize_with = "vector")]
    x: Tensor<f64>,
}

fn log_sum_exp(x: Var<'_, f64>) -> Var<'_, f64> {
    let a = x.max();
    a + (x - a).exp().sum().ln()
}
