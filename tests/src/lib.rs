//! What the tests share: reproducible values, fixtures, and comparisons.

#![forbid(unsafe_code)]

pub mod loaders;
mod marked;
mod panics;
mod probe;
pub mod svg;

pub use marked::marked;
pub use panics::{messages_of, panic_of};
pub use probe::{Probe, Seen};

use approx::abs_diff_eq;
use serde_json::Value;
use unspool::data::Padded;
use unspool::tensor::Shape;
use unspool::{Context, Indices, Mode, Scalar, Tensor, Var};

type V<'t> = Var<'t, f64>;

/// Values between -1 and 1 without pattern, the same every time, different for each `salt`.
pub fn values(shape: impl Into<Shape>, salt: u64) -> Tensor<f64> {
    let mut state = salt.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    Tensor::from_fn(shape, |_| {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bits = state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        bits as f64 / (1u64 << 52) as f64 - 1.0
    })
}

/// A context with lengths, if there are any.
pub fn context(lengths: Option<&[usize]>, mode: Mode) -> Context<'_> {
    lengths.map_or(mode.into(), |lengths| Context::from(mode).with_lengths(lengths))
}

/// Sequences that are padded already.
pub fn padded<T: Scalar>(x: &Tensor<T>, lengths: &[usize]) -> Padded<Tensor<T>> {
    Padded { x: x.clone(), lengths: lengths.to_vec() }
}

/// A file of `tests/fixtures`, parsed.
pub fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A tensor of a fixture, `{"shape": [..], "data": [..]}`.
pub fn tensor(value: &Value) -> Tensor<f64> {
    let shape: Shape = integers(&value["shape"]).into_iter().collect();
    let data = value["data"].as_array().expect("a tensor has data");
    Tensor::from_vec(data.iter().map(|x| x.as_f64().expect("a number")).collect(), shape)
}

/// Indices of a fixture, `{"shape": [..], "data": [..]}`.
pub fn indices(value: &Value) -> Indices {
    Indices::from_vec(integers(&value["data"]), &integers(&value["shape"])[..])
}

/// A list of non-negative integers of a fixture.
pub fn integers(value: &Value) -> Vec<usize> {
    let list = value.as_array().expect("a list of integers");
    list.iter().map(|n| n.as_u64().expect("an integer") as usize).collect()
}

/// Asserts equal shapes, and elements equal to `tolerance` relative to the largest of them (at least 1).
#[track_caller]
pub fn assert_close(what: &str, got: &Tensor<f64>, expected: &Tensor<f64>, tolerance: f64) {
    assert_eq!(got.shape(), expected.shape(), "{what}: shapes");
    let largest = expected.to_vec().into_iter().fold(1f64, |max, x| max.max(x.abs()));
    for (i, (g, e)) in got.to_vec().into_iter().zip(expected.to_vec()).enumerate() {
        let close = abs_diff_eq!(g, e, epsilon = tolerance * largest); // false for NaN
        assert!(close, "{what}: element {i} is {g}, expected {e}");
    }
}

/// Mistakes with their sentences, one a line from the line after `sentences! {` on: the panic must point to
/// that line of the file that lists it.
#[macro_export]
macro_rules! sentences {
    ($($mistake:expr => $sentence:expr;)*) => {
        let mut expected = line!();
        $(
            expected += 1;
            let (message, file, line) = $crate::panic_of(|| { let _ = $mistake; });
            assert_eq!(message, $sentence);
            assert_eq!(file, file!(), "{message}: points to another file");
            assert_eq!(line, expected, "{message}: points to another line");
        )*
    };
}

/// Zeros of the default element type, for mistakes about shapes.
pub fn zeros(shape: impl Into<Shape>) -> Tensor {
    Tensor::zeros(shape)
}

/// A cell's state as a list of its parts.
pub trait Parts<'t> {
    /// The state of these parts.
    fn from_parts(parts: &[V<'t>]) -> Self;
    /// Its parts: h, c, ..
    fn parts(&self) -> Vec<V<'t>>;
}

impl<'t> Parts<'t> for V<'t> {
    fn from_parts(parts: &[V<'t>]) -> Self {
        parts[0]
    }
    fn parts(&self) -> Vec<V<'t>> {
        vec![*self]
    }
}

impl<'t> Parts<'t> for (V<'t>, V<'t>) {
    fn from_parts(parts: &[V<'t>]) -> Self {
        (parts[0], parts[1])
    }
    fn parts(&self) -> Vec<V<'t>> {
        vec![self.0, self.1]
    }
}

impl<'t> Parts<'t> for (V<'t>, V<'t>, V<'t>) {
    fn from_parts(parts: &[V<'t>]) -> Self {
        (parts[0], parts[1], parts[2])
    }
    fn parts(&self) -> Vec<V<'t>> {
        vec![self.0, self.1, self.2]
    }
}

impl<'t> Parts<'t> for (V<'t>, V<'t>, V<'t>, V<'t>) {
    fn from_parts(parts: &[V<'t>]) -> Self {
        (parts[0], parts[1], parts[2], parts[3])
    }
    fn parts(&self) -> Vec<V<'t>> {
        vec![self.0, self.1, self.2, self.3]
    }
}

/// `compile_fail.md`: misuses that the types rule out.
#[cfg(doctest)]
#[doc = include_str!("../compile_fail.md")]
mod compile_fail {}
