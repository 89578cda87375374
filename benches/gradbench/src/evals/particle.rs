//! The position `w` of a charge that makes a charged particle hit the origin: gradient descent on how far from it the
//! particle crosses the x axis. The force on the particle, at each step of its path, is a gradient as well.
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
    ("ff", |input| run(input, best_w::<ForwardMode, ForwardMode>)),
    ("fr", |input| run(input, best_w::<ForwardMode, ReverseMode>)),
    ("rf", |input| run(input, best_w::<ReverseMode, ForwardMode>)),
    ("rr", |input| run(input, best_w::<ReverseMode, ReverseMode>)),
];

#[derive(Deserialize)]
struct Input {
    w: f64,
}

/// The electric potential of charges at (10, 10 - w) and (10, 0), as a function of a place.
struct Potential<N> {
    w: N,
}

impl<N: Number> Program<N, 2> for Potential<N> {
    fn value<M: Over<N>>(&self, [x, y]: [M; 2]) -> M {
        let ten = M::from_f64(10.0);
        let of_charge_at = |y_of_charge: M| {
            let (dx, dy) = (x - ten, y - y_of_charge);
            M::ONE / (dx * dx + dy * dy).sqrt()
        };
        of_charge_at(ten - M::constant(self.w)) + of_charge_at(M::ZERO)
    }
}

/// The square of the place where the particle crosses the x axis, as a function of `w`.
struct Miss<G> {
    mode: PhantomData<G>,
}

impl<G: Mode> Program<f64, 1> for Miss<G> {
    fn value<M: Over<f64>>(&self, [w]: [M; 1]) -> M {
        let step = M::from_f64(0.1); // of time, in Euler's method
        let mut memory = G::Memory::default();
        let [mut x, mut y] = [0.0, 8.0].map(M::from_f64);
        let [mut x_velocity, mut y_velocity] = [0.75, 0.0].map(M::from_f64);
        loop {
            let (_, [x_slope, y_slope]) = G::gradient(&mut memory, &Potential { w }, [x, y]);
            x += step * x_velocity;
            y += step * y_velocity;
            if y <= M::ZERO {
                let crossing = x - y / y_velocity * x_velocity;
                return crossing * crossing;
            }
            x_velocity -= step * x_slope;
            y_velocity -= step * y_slope;
        }
    }
}

/// The best `w`, found in mode `G`, where the force is computed in mode `H`.
fn best_w<G: Mode, H: Mode>(input: &Input) -> f64 {
    argmin::<G, f64, 1>(&Miss { mode: PhantomData::<H> }, [input.w])[0]
}
