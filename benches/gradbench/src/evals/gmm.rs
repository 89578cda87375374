//! The log posterior of a Gaussian mixture, with a Wishart prior on the precision matrices.
//!
//! Šrajer, Kukelova and Fitzgibbon 2018, "A benchmark of selected algorithmic differentiation tools
//! on some problems in computer vision and machine learning".

use super::Functions;
use crate::json::{Output, matrix, vector};
use crate::runs::run_on_tape;
use serde::Deserialize;
use serde_json::{Value, json};
use std::f64::consts::{LN_2, PI};
use unspool::{Params, Tape, Tensor, Var};

pub(super) const FUNCTIONS: Functions = &[
    ("objective", |input| {
        run_on_tape(input, |tape, input: &Input| log_posterior(tape, tape.bind_frozen(&input.mixture()), input).item())
    }),
    ("jacobian", |input| {
        run_on_tape(input, |tape, input: &Input| {
            let mixture = tape.bind(&input.mixture());
            log_posterior(tape, mixture, input).backward().of(&mixture)
        })
    }),
];

#[derive(Deserialize)]
struct Input {
    #[serde(deserialize_with = "matrix")]
    x: Tensor<f64>,
    m: u32,
    gamma: f64,
    #[serde(deserialize_with = "vector")]
    alpha: Tensor<f64>,
    #[serde(deserialize_with = "matrix")]
    mu: Tensor<f64>,
    #[serde(deserialize_with = "matrix")]
    q: Tensor<f64>,
    #[serde(deserialize_with = "matrix")]
    l: Tensor<f64>,
}

impl Input {
    fn mixture(&self) -> Mixture<Tensor<f64>> {
        Mixture { alpha: self.alpha.clone(), mu: self.mu.clone(), q: self.q.clone(), l: self.l.clone() }
    }
}

/// `K` Gaussians in `D` dimensions.
#[derive(Params, Clone, Copy)]
struct Mixture<P> {
    /// The logarithms of the weights, up to a constant: `[K]`.
    alpha: P,
    /// The means: `[K, D]`.
    mu: P,
    /// Of the factors of the precision matrices, the logarithms of the diagonals: `[K, D]`.
    q: P,
    /// And what is below the diagonals, column after column: `[K, D (D - 1) / 2]`.
    l: P,
}

impl Output for Mixture<Tensor<f64>> {
    fn to_json(&self) -> Value {
        let Mixture { alpha, mu, q, l } = self;
        json!({ "alpha": alpha.to_json(), "mu": mu.to_json(), "q": q.to_json(), "l": l.to_json() })
    }
}

fn log_posterior<'t>(tape: &'t Tape<f64>, mixture: Mixture<Var<'t, f64>>, input: &Input) -> Var<'t, f64> {
    let Mixture { alpha, mu, q, l } = mixture;
    let ([n, d], k) = ([input.x.shape()[0], input.x.shape()[1]], alpha.shape()[0]);
    let factors = lower_triangular(q.exp(), l); // [K, D, D]: Q_k, where the precision is Q_kᵀ Q_k
    let log_determinants = q.sum_axes(&[1]); // [K]
    let log_weights = alpha + log_determinants;

    // Q_k (x_i - mu_k) is an affine map of x_i, one for all k. Points are the last axis: there are more of them than of
    // anything else, so sums over the others run over whole vectors.
    let (weight, bias) = (factors.reshape([k * d, d]), -factors.matmul(mu.unsqueeze(2)).reshape([k * d, 1]));
    let log_weights = log_weights.unsqueeze(1); // [K, 1]
    let log_sums = tape.sum_over_rows(n, [log_weights, weight, bias], |tape, [log_weights, weight, bias], rows| {
        let scaled = weight.matmul(tape.constant(&input.x.slice(0, rows.clone()).t())) + bias;
        let beta = log_weights - 0.5 * scaled.reshape([k, d, rows.len()]).square().sum_axes(&[1]); // [K, N]
        beta.logsumexp_axes(&[0]).sum()
    });
    let log_likelihood = log_sums - n as f64 * (d as f64 / 2.0 * (2.0 * PI).ln() + alpha.logsumexp());

    let freedom = d as u32 + input.m + 1; // of the Wishart distribution
    let normalization =
        f64::from(freedom) * d as f64 * (input.gamma.ln() - LN_2 / 2.0) - ln_multigamma(freedom, d as u32);
    let log_prior = k as f64 * normalization - input.gamma.powi(2) / 2.0 * factors.square().sum()
        + f64::from(input.m) * log_determinants.sum();
    log_likelihood + log_prior
}

/// Lower triangular matrices `[K, D, D]` from their diagonals and what is below, column by column.
fn lower_triangular<'t>(diagonal: Var<'t, f64>, below: Var<'t, f64>) -> Var<'t, f64> {
    let [k, d] = diagonal.shape()[..] else { unreachable!("a matrix") };
    // Element (i, j) is entry i - j - 1 of column j; the columns before it have d - 1, d - 2, ..
    let entry = |i: usize, j: usize| if i > j { j * (2 * d - j - 1) / 2 + i - j - 1 } else { 0 };
    let entries: Vec<usize> = (0..d * d).map(|at| entry(at / d, at % d)).collect();
    let below = below.index_select(1, entries).reshape([k, d, d]).tril(-1);
    let identity = diagonal.tape().constant(&Tensor::from_fn([d, d], |at| f64::from(at / d == at % d)));
    below + diagonal.unsqueeze(1) * identity
}

/// `ln Γ_p(a / 2)`, the multivariate gamma function at half an integer.
fn ln_multigamma(a: u32, p: u32) -> f64 {
    f64::from(p * (p - 1)) / 4.0 * PI.ln() + (0..p).map(|j| ln_gamma_of_half(a - j)).sum::<f64>()
}

/// `ln Γ(n / 2)`, from `Γ(1/2) = sqrt(π)` or `Γ(1) = 1` by `Γ(z + 1) = z Γ(z)`.
fn ln_gamma_of_half(n: u32) -> f64 {
    let start = if n % 2 == 1 { PI.ln() / 2.0 } else { 0.0 };
    start + (1..n).rev().skip(1).step_by(2).map(|z| (f64::from(z) / 2.0).ln()).sum::<f64>()
}
