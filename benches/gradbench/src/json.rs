//! Tensors in JSON: nested lists.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use unspool::Tensor;

/// A list of numbers.
pub(crate) fn vector<'de, D: Deserializer<'de>>(input: D) -> Result<Tensor<f64>, D::Error> {
    let numbers = Vec::<f64>::deserialize(input)?;
    let n = numbers.len();
    Ok(Tensor::from_vec(numbers, [n]))
}

/// A list of rows of one length.
pub(crate) fn matrix<'de, D: Deserializer<'de>>(input: D) -> Result<Tensor<f64>, D::Error> {
    let rows = Vec::<Vec<f64>>::deserialize(input)?;
    let columns = rows.first().map_or(0, Vec::len);
    if let Some(i) = rows.iter().position(|row| row.len() != columns) {
        return Err(D::Error::custom(format!("row {i} has {} numbers, the first {columns}", rows[i].len())));
    }
    Ok(Tensor::from_vec(rows.concat(), [rows.len(), columns]))
}

/// A list of matrices of one shape.
pub(crate) fn matrices<'de, D: Deserializer<'de>>(input: D) -> Result<Tensor<f64>, D::Error> {
    let matrices = Vec::<Matrix>::deserialize(input)?;
    let shapes: Vec<_> = matrices.iter().map(|Matrix(matrix)| matrix.shape()).collect();
    if let Some(i) = shapes.iter().position(|shape| *shape != shapes[0]) {
        return Err(D::Error::custom(format!("matrix {i} has shape {}, the first {}", shapes[i], shapes[0])));
    }
    match matrices.is_empty() {
        true => Ok(Tensor::zeros([0, 0, 0])),
        false => Ok(Tensor::stack(0, matrices.iter().map(|Matrix(matrix)| matrix))),
    }
}

#[derive(Deserialize)]
struct Matrix(#[serde(deserialize_with = "matrix")] Tensor<f64>);

/// What a function may return.
pub(crate) trait Output {
    fn to_json(&self) -> Value;
}

impl Output for f64 {
    fn to_json(&self) -> Value {
        json!(self)
    }
}

impl Output for Vec<f64> {
    fn to_json(&self) -> Value {
        json!(self)
    }
}

impl Output for Tensor<f64> {
    fn to_json(&self) -> Value {
        match self.rank() {
            0 => json!(self.item()),
            1 => json!(self.to_vec()),
            _ => (0..self.shape()[0]).map(|i| self.select(0, i).to_json()).collect(),
        }
    }
}
