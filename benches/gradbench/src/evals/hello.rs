//! The square of a number, and its derivative.

use super::Functions;
use crate::runs::run_on_tape;
use unspool::{Tensor, Var};

pub(super) const FUNCTIONS: Functions = &[
    ("square", |input| run_on_tape(input, |tape, &x: &f64| square(tape.constant(&Tensor::scalar(x))).item())),
    ("double", |input| {
        run_on_tape(input, |tape, &x: &f64| {
            let x = tape.variable(&Tensor::scalar(x));
            square(x).backward().wrt(x)
        })
    }),
];

fn square(x: Var<'_, f64>) -> Var<'_, f64> {
    x * x
}
