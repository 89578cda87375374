//! The determinant of a matrix by expansion along its first row, down to minors of one element: of no use for large
//! matrices, but a recursion over single numbers.
//!
//! Bradley M. Bell, cmpad, "det_by_minor".

use super::Functions;
use crate::runs::run;
use serde::Deserialize;
use unspool::Number;
use unspool::autograd::numbers::{NumberTape, Reverse, preaccumulate};

pub(super) const FUNCTIONS: Functions = &[
    ("primal", |input| run(input, |input: &Input| minor(&input.a, input.ell, &mut input.columns()))),
    ("gradient", |input| {
        let mut tape = NumberTape::new();
        run(input, move |input: &Input| {
            tape.gradient(&input.a, |a| recorded_minor(&a, input.ell, &mut input.columns())).1
        })
    }),
];

#[derive(Deserialize)]
struct Input {
    #[serde(rename = "A")]
    a: Vec<f64>,
    ell: usize,
}

impl Input {
    fn columns(&self) -> Vec<usize> {
        (0..self.ell).collect()
    }
}

/// The determinant of a matrix whose rows have `n` numbers each, those in `columns` alone.
fn minor<N: Number>(rows: &[N], n: usize, columns: &mut [usize]) -> N {
    match columns {
        [column] => rows[*column],
        _ => expand(rows, n, columns, minor),
    }
}

/// The same on a tape that keeps the partial derivatives of small minors alone.
fn recorded_minor<'t>(rows: &[Reverse<'t, f64>], n: usize, columns: &mut [usize]) -> Reverse<'t, f64> {
    let size = columns.len();
    if size > 6 {
        return expand(rows, n, columns, recorded_minor);
    }
    let elements: Vec<_> = rows.chunks(n).flat_map(|row| columns.iter().map(|&column| row[column])).collect();
    let [y] = preaccumulate(&elements, |rows| [minor(&rows, size, &mut Vec::from_iter(0..size))]);
    y
}

/// Expansion along the first row.
fn expand<N: Number>(rows: &[N], n: usize, columns: &mut [usize], minor: impl Fn(&[N], usize, &mut [usize]) -> N) -> N {
    let (row, rest) = rows.split_at(n);
    let mut sum = N::ZERO;
    for j in 0..columns.len() {
        columns.swap(0, j); // the others stay in order: those before j were in front one after the other
        let term = row[columns[0]] * minor(rest, n, &mut columns[1..]);
        sum = if j % 2 == 0 { sum + term } else { sum - term };
    }
    columns.rotate_left(1);
    sum
}
