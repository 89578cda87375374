//! Random orthogonal matrices.
//!
//! What must stay true: they are uniformly distributed (Haar), orthogonal up to rounding whatever
//! their size, and have the same bits at any number of threads.

use crate::random::Rng;
use crate::tuning::REFLECTIONS;
use rayon::prelude::*;
use unspool_autograd::Tensor;

/// The first `rows` rows, of at most `n`, of a random orthogonal matrix `[n, n]`.
///
/// Those of `D H_rows .. H_2 H_1`, where `H_k` reflects a random direction of the axes from the
/// `k`-th on to the `k`-th, and `D` holds signs: the Q of the decomposition of a matrix of normal
/// numbers whose triangle has a positive diagonal, without that matrix.
///
/// Stewart 1980, "The efficient generation of random orthogonal matrices with an application to
/// condition estimators".
pub(super) fn orthonormal_rows(rng: &mut Rng, rows: usize, n: usize) -> Tensor<f64> {
    let starts = (0..rows).step_by(REFLECTIONS);
    let blocks: Vec<Block> = starts.map(|start| Block::new(rng, start, REFLECTIONS.min(rows - start), n)).collect();
    // The rows of a block by themselves: its rows of D, which the reflections of later blocks leave as they are.
    let strip = |i: usize| blocks[..=i].iter().rev().fold(blocks[i].rows_of_signs(n), |q, block| block.reflect(q));
    let strips: Vec<Tensor<f64>> = match blocks.len() {
        0 => return Tensor::zeros([0, n]),
        1 => vec![strip(0)],
        count => (0..count).into_par_iter().map(strip).collect(),
    };
    Tensor::concat(0, &strips)
}

/// Several reflections at once.
struct Block {
    start: usize,
    /// The vectors, one a row, on the axes from `start` on: that of reflection `i` is 0 on the first `i`.
    v: Tensor<f64>,
    /// The product of the reflections, the last one first, is `1 + vᵀ u`.
    u: Tensor<f64>,
    /// The rows of `D`.
    signs: Vec<f64>,
}

impl Block {
    fn new(rng: &mut Rng, start: usize, count: usize, n: usize) -> Self {
        let (mut v, mut signs) = (Tensor::<f64>::zeros([count, n - start]), Vec::with_capacity(count));
        for (i, row) in v.as_mut_slice().chunks_mut(n - start).enumerate() {
            let direction = Tensor::normal(rng, [n - start - i], 0.0, 1.0);
            let x = &mut row[i..];
            x.copy_from_slice(direction.as_slice().expect("contiguous"));
            // The reflection takes x to -sign |x| on the first axis; to the other side, it would cancel digits.
            let (length, sign) = (x.iter().map(|x| x * x).sum::<f64>().sqrt(), x[0].signum());
            x[0] += sign * length;
            signs.push(-sign);
        }
        let u = negative_inverse(&v.matmul(&v.t())).matmul(&v);
        Block { start, v, u, signs }
    }

    /// The rows of this block of `D`, as a matrix with `n` columns.
    fn rows_of_signs(&self, n: usize) -> Tensor<f64> {
        let mut rows = Tensor::zeros([self.signs.len(), n]);
        for ((i, row), &sign) in rows.as_mut_slice().chunks_mut(n).enumerate().zip(&self.signs) {
            row[self.start + i] = sign;
        }
        rows
    }

    fn reflect(&self, mut q: Tensor<f64>) -> Tensor<f64> {
        let change = q.slice(1, self.start..).matmul(&self.v.t()).matmul(&self.u);
        q.slice_add(1, self.start, 1, &change);
        q
    }
}

/// `-L⁻¹`, where `L` is the lower triangle of a symmetric matrix with half its diagonal: with the products of
/// the vectors, what several reflections are as one (Puglisi 1992, "Modification of the Householder method
/// based on the compact WY representation").
fn negative_inverse(products: &Tensor<f64>) -> Tensor<f64> {
    let n = products.shape()[0];
    let mut inverse = Tensor::zeros([n, n]);
    let inverse_rows = inverse.as_mut_slice();
    for (i, l) in products.as_slice().expect("contiguous").chunks(n).enumerate() {
        let (above, row) = inverse_rows.split_at_mut(i * n);
        row[i] = -1.0;
        for (l, above) in l.iter().zip(above.chunks(n)) {
            row.iter_mut().zip(above).for_each(|(x, y)| *x -= l * y);
        }
        // A vector of zeros, if one should ever be drawn, reflects nothing.
        let diagonal = (l[i] / 2.0).max(f64::MIN_POSITIVE);
        row[..n].iter_mut().for_each(|x| *x /= diagonal);
    }
    inverse
}
