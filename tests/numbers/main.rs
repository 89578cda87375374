//! Derivatives of programs over single numbers: nesting, closed forms, random programs, control flow, bounded memory.

mod control_flow;
mod nesting;
mod operations;
mod preaccumulated;
mod random_programs;
mod sentences;

use unspool::Number;

/// Whether `a` is `b` up to rounding.
#[track_caller]
fn assert_close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{what}: {a} is not {b}");
}

/// The direction along input `i`.
fn unit<N: Number, const K: usize>(i: usize) -> [N; K] {
    std::array::from_fn(|k| if k == i { N::ONE } else { N::ZERO })
}
