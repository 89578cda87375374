//! From what was measured to examples.

use proptest::prelude::*;
use unspool::{Dataset, Tensor};

mod batches;
mod conversions;
mod csv;
mod csv_exports;
mod differences;
mod scalers;
mod sentences;
mod sequences;
mod windows;

/// The sentence of what went wrong.
#[track_caller]
fn sentence<R, E: std::fmt::Display>(result: Result<R, E>) -> String {
    result.err().expect("refused").to_string()
}

/// A series `[rows, columns]` whose every number tells its place: row 3, column 1 is 31.
fn series(rows: usize, columns: usize) -> Tensor<f64> {
    assert!(columns <= 10);
    Tensor::from_fn([rows, columns], |i| (i / columns * 10 + i % columns) as f64)
}

/// The rows in the inputs and targets of examples of [`series`].
fn rows_of(data: &Dataset<Tensor<f64>>) -> Vec<usize> {
    let mut rows: Vec<usize> = [data.x(), data.y()].iter().flat_map(|t| t.to_vec()).map(|x| x as usize / 10).collect();
    rows.sort();
    rows.dedup();
    rows
}

/// Few cases of large things, many of small ones.
fn cases(n: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(n) }
}
