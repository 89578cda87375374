//! A saddle point, `min over x of max over y` of `|x|² - |y|²`, by gradient descent in which each value is computed by
//! gradient descent.
//!
//! Pearlmutter and Siskind 2008, "Using programming language theory to make automatic differentiation sound and
//! efficient".

use super::Functions;
use super::descent::{ForwardMode, Mode, Over, Program, ReverseMode, argmin};
use crate::runs::run;
use serde::Deserialize;
use std::marker::PhantomData;
use unspool::Number;

pub(super) const FUNCTIONS: Functions = &[
    ("ff", |input| run(input, saddle_point::<ForwardMode, ForwardMode>)),
    ("fr", |input| run(input, saddle_point::<ForwardMode, ReverseMode>)),
    ("rf", |input| run(input, saddle_point::<ReverseMode, ForwardMode>)),
    ("rr", |input| run(input, saddle_point::<ReverseMode, ReverseMode>)),
];

#[derive(Deserialize)]
struct Input {
    start: [f64; 2],
}

fn f<N: Number>(x: [N; 2], y: [N; 2]) -> N {
    (x[0] * x[0] + x[1] * x[1]) - (y[0] * y[0] + y[1] * y[1])
}

/// `-f(x, y)` as a function of `y`.
struct Depth<N> {
    x: [N; 2],
}

impl<N: Number> Program<N, 2> for Depth<N> {
    fn value<M: Over<N>>(&self, y: [M; 2]) -> M {
        -f(self.x.map(M::constant), y)
    }
}

/// `max over y of f(x, y)` as a function of `x`.
struct Height<G> {
    start: [f64; 2],
    mode: PhantomData<G>,
}

impl<G: Mode> Program<f64, 2> for Height<G> {
    fn value<M: Over<f64>>(&self, x: [M; 2]) -> M {
        f(x, argmin::<G, M, 2>(&Depth { x }, self.start.map(M::constant)))
    }
}

/// The point `x`, found in mode `G` with values found in mode `H`, and then `y` in mode `G`.
fn saddle_point<G: Mode, H: Mode>(input: &Input) -> Vec<f64> {
    let x = argmin::<G, f64, 2>(&Height { start: input.start, mode: PhantomData::<H> }, input.start);
    let y = argmin::<G, f64, 2>(&Depth { x }, input.start);
    [x, y].concat()
}
