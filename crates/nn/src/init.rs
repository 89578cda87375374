//! Initial weights, as Keras draws them.
//!
//! Values are drawn in f64 and rounded, so an f32 and an f64 model of one seed start from the same weights.

use crate::random::Rng;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use unspool_autograd::{Scalar, Shape, Tensor};

/// A matrix `[inputs, outputs]`, uniform between `-l` and `l` with `l = sqrt(6 / (inputs + outputs))`.
///
/// Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks",
/// equation 16.
pub fn glorot_uniform<T: Scalar>(rng: &mut Rng, inputs: usize, outputs: usize) -> Tensor<T> {
    let limit = (6.0 / (inputs + outputs) as f64).sqrt();
    Tensor::from_fn([inputs, outputs], |_| T::from_f64(limit * (2.0 * rng.random::<f64>() - 1.0)))
}

/// A tensor of numbers uniform between `low` and `high`.
pub fn uniform<T: Scalar>(rng: &mut Rng, shape: impl Into<Shape>, low: f64, high: f64) -> Tensor<T> {
    Tensor::from_fn(shape, |_| T::from_f64(low + (high - low) * rng.random::<f64>()))
}

/// An orthogonal matrix `[size, size]`, uniform among all of them: every singular value is 1, so repeated
/// products neither grow nor shrink a state.
///
/// Saxe, McClelland and Ganguli 2014, "Exact solutions to the nonlinear dynamics of learning in deep linear
/// neural networks".
///
/// ```
/// use unspool_nn::{init, rng};
/// use unspool_autograd::Tensor;
/// let q: Tensor<f64> = init::orthogonal(&mut rng(0), 20);
/// let identity = q.t().matmul(&q);
/// assert!((identity.at([3, 3]) - 1.0).abs() < 1e-12 && identity.at([3, 4]).abs() < 1e-12);
/// ```
pub fn orthogonal<T: Scalar>(rng: &mut Rng, size: usize) -> Tensor<T> {
    // Gram-Schmidt on rows of normal numbers: the Q of a QR decomposition whose R has a positive diagonal.
    let mut rows: Vec<Vec<f64>> = Vec::with_capacity(size);
    while rows.len() < size {
        let mut row: Vec<f64> = (0..size).map(|_| StandardNormal.sample(rng)).collect();
        for _ in 0..2 {
            // twice, so that rounding leaves nothing of the other rows
            for other in &rows {
                let overlap: f64 = row.iter().zip(other).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(other).for_each(|(a, b)| *a -= overlap * b);
            }
        }
        let norm = row.iter().map(|a| a * a).sum::<f64>().sqrt();
        if norm > 1e-6 {
            rows.push(row.into_iter().map(|a| a / norm).collect());
        }
    }
    Tensor::from_fn([size, size], |i| T::from_f64(rows[i / size][i % size]))
}

/// `count` blocks side by side along the last axis, each drawn by itself: the weights of several gates in one.
///
/// ```
/// use unspool_nn::init::{blocks, orthogonal};
/// use unspool_autograd::Tensor;
/// let u: Tensor = blocks(&mut unspool_nn::rng(0), 3, |rng| orthogonal(rng, 5));
/// assert_eq!(u.shape()[..], [5, 15]);
/// ```
pub fn blocks<T: Scalar>(rng: &mut Rng, count: usize, mut draw: impl FnMut(&mut Rng) -> Tensor<T>) -> Tensor<T> {
    let blocks: Vec<Tensor<T>> = (0..count).map(|_| draw(rng)).collect();
    Tensor::concat(blocks[0].rank() - 1, &blocks)
}
