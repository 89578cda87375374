//! k-means clustering by Newton's method: the cost is the sum of the squared distances of `N` points
//! to the closest of `K` centroids, `sum over i of min over j of |p_i - c_j|²`.
//!
//! Bottou and Bengio 1994, "Convergence properties of the k-means algorithms".

use super::Functions;
use crate::json::matrix;
use crate::runs::{run, run_on_tape};
use serde::Deserialize;
use unspool::autograd::hvp;
use unspool::{Indices, Params, Scalar, Tensor, Var};

pub(super) const FUNCTIONS: Functions = &[
    ("cost", |input| {
        run_on_tape(input, |tape, input: &Input| cost(&input.points, tape.constant(&input.centroids)).item())
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

fn cost<'t, T: Scalar>(points: &Tensor<f64>, centroids: Var<'t, T>) -> Var<'t, T> {
    centroids.tape().sum_over_rows(points.shape()[0], [centroids], |tape, [centroids], rows| {
        let points = points.slice(0, rows);
        let closest = centroids.index_select(0, closest(&points, &centroids.value().cast()));
        (closest - tape.data(&points)).square().sum()
    })
}

/// Which centroid is closest to each point: `|c - p|²` is least where `|c|² - 2 c p` is. That is a number for each
/// centroid and point: some points at a time, so that these numbers stay in cache.
fn closest(points: &Tensor<f64>, centroids: &Tensor<f64>) -> Indices {
    let (n, k) = (points.shape()[0], centroids.shape()[0]);
    let squares = centroids.map(|c| c * c).sum_axis(1).unsqueeze(1);
    let some = (NUMBERS_IN_CACHE / k).max(16);
    let closest = (0..n).step_by(some).flat_map(|first| {
        let points = points.slice(0, first..n.min(first + some));
        let products = centroids.matmul(&points.t()); // [K, some]
        squares.zip(&products, |square, product| square - 2.0 * product).argmin(0).as_slice().to_vec()
    });
    Indices::from_vec(closest.collect(), [n])
}

/// 256 KiB.
const NUMBERS_IN_CACHE: usize = 1 << 15;

#[derive(Params)]
struct Centroids<P> {
    c: P,
}

/// The gradient over the diagonal of the Hessian. The Hessian is diagonal: its product with ones is
/// its diagonal.
fn newton_direction(input: &Input) -> Tensor<f64> {
    let centroids = Centroids { c: input.centroids.clone() };
    let ones = Centroids { c: Tensor::ones(input.centroids.shape()) };
    let (gradient, diagonal) = hvp(&centroids, &ones, |_, net| cost(&input.points, net.c));
    gradient.c.zip(&diagonal.c, |gradient, diagonal| gradient / diagonal)
}
