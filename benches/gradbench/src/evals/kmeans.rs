//! k-means clustering by Newton's method: the cost is the sum of the squared distances of `N` points
//! to the closest of `K` centroids, `sum over i of min over j of |p_i - c_j|²`, where `|p - c|² = |p|² - 2 p c + |c|²`.
//!
//! Bottou and Bengio 1994, "Convergence properties of the k-means algorithms".

use super::Functions;
use crate::json::matrix;
use crate::runs::{run, run_on_tape};
use serde::Deserialize;
use unspool::autograd::hvp;
use unspool::{Params, Scalar, Tensor, Var};

pub(super) const FUNCTIONS: Functions = &[
    ("cost", |input| {
        run_on_tape(input, |tape, input: &Input| {
            cost(tape.constant(&input.points), tape.constant(&input.centroids)).item()
        })
    }),
    ("dir", |input| run(input, newton_direction)),
];

#[derive(Deserialize)]
struct Input {
    #[serde(deserialize_with = "matrix")]
    points: Tensor<f64>,
    #[serde(deserialize_with = "matrix")]
    centroids: Tensor<f64>,
}

fn cost<'t, T: Scalar>(points: Var<'t, T>, centroids: Var<'t, T>) -> Var<'t, T> {
    let products = points.matmul(centroids.t()); // [N, K]
    (centroids.square().sum_axes(&[1]) - 2.0 * products).min_axes(&[1]).sum() + points.square().sum()
}

#[derive(Params)]
struct Centroids<P> {
    c: P,
}

/// The gradient over the diagonal of the Hessian. The Hessian is diagonal: its product with ones is
/// its diagonal.
fn newton_direction(input: &Input) -> Tensor<f64> {
    let centroids = Centroids { c: input.centroids.clone() };
    let ones = Centroids { c: Tensor::ones(input.centroids.shape()) };
    let points = input.points.cast();
    let (gradient, diagonal) = hvp(&centroids, &ones, |tape, net| cost(tape.constant(&points), net.c));
    gradient.c.zip(&diagonal.c, |gradient, diagonal| gradient / diagonal)
}
