//! Bundle adjustment: how far points of a scene, projected by cameras, are from where they were observed, and the
//! block-sparse Jacobian of these errors.
//!
//! Šrajer, Kukelova and Fitzgibbon 2018, "A benchmark of selected algorithmic differentiation tools on some problems in
//! computer vision and machine learning"; the rotation is Rodrigues's formula.

use super::Functions;
use crate::json::Output;
use crate::runs::{run, run_on_tape};
use serde::Deserialize;
use serde_json::{Value, json};
use unspool::Number;
use unspool::autograd::{RowFunction, row_function};
use unspool::{Tape, Tensor};

pub(super) const FUNCTIONS: Functions = &[
    ("objective", |input| run_on_tape(input, |tape, scene: &Scene| scene.errors(tape))),
    ("jacobian", |input| run(input, Scene::jacobian)),
];

row_function! {
    /// The error of an observation, times its weight. A camera is a rotation, as an axis whose length is the angle, a
    /// center, the focal length, the principal point and two coefficients of radial distortion.
    struct Reprojection = "reprojection";
    |[rx, ry, rz, cx, cy, cz, focal, u0, v0, k1, k2, x, y, z, weight, u, v]| -> [T; 2] {
        let [x, y, z] = rotate([rx, ry, rz], [x - cx, y - cy, z - cz]);
        let (x, y) = (x / z, y / z);
        let square = x * x + y * y;
        let distortion = T::ONE + k1 * square + k2 * square * square;
        let project = |x: T, center: T| focal * distortion * x + center;
        [weight * (project(x, u0) - u), weight * (project(y, v0) - v)]
    }
}

/// `x` rotated around `axis` by an angle that is the length of `axis`.
#[inline(always)]
fn rotate<N: Number>(axis: [N; 3], x: [N; 3]) -> [N; 3] {
    let square = dot(axis, axis);
    if square == N::ZERO {
        let turned = cross(axis, x);
        return [x[0] + turned[0], x[1] + turned[1], x[2] + turned[2]];
    }
    let angle = square.sqrt();
    let (sin, cos) = (angle.sin(), angle.cos());
    let axis = [axis[0] / angle, axis[1] / angle, axis[2] / angle];
    let (turned, along) = (cross(axis, x), dot(axis, x) * (N::ONE - cos));
    let [x, y, z] = x;
    [
        x * cos + turned[0] * sin + axis[0] * along,
        y * cos + turned[1] * sin + axis[1] * along,
        z * cos + turned[2] * sin + axis[2] * along,
    ]
}

#[inline(always)]
fn dot<N: Number>(a: [N; 3], b: [N; 3]) -> N {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[inline(always)]
fn cross<N: Number>(a: [N; 3], b: [N; 3]) -> [N; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// The input: one camera, point, weight and observation, of which there are as many copies as stated.
#[derive(Deserialize)]
struct Input {
    n: usize,
    m: usize,
    p: usize,
    cam: [f64; 11],
    x: [f64; 3],
    w: f64,
    feat: [f64; 2],
}

/// `P` observations of `M` points by `N` cameras.
#[derive(Deserialize)]
#[serde(from = "Input")]
struct Scene {
    /// `[N, 11]`
    cameras: Tensor<f64>,
    /// `[M, 3]`
    points: Tensor<f64>,
    /// `[P, 1]`
    weights: Tensor<f64>,
    /// Where points were observed: `[P, 2]`.
    features: Tensor<f64>,
    /// The camera and the point of each observation.
    camera_of: Vec<usize>,
    point_of: Vec<usize>,
}

impl From<Input> for Scene {
    fn from(Input { n, m, p, cam, x, w, feat }: Input) -> Self {
        let copies = |row: &[f64], n: usize| Tensor::from_slice(row, [1, row.len()]).expand([n, row.len()]).copy();
        let [camera_of, point_of] = [n, m].map(|n| (0..p).map(|i| i % n).collect());
        let (cameras, points) = (copies(&cam, n), copies(&x, m));
        Scene { cameras, points, weights: copies(&[w], p), features: copies(&feat, p), camera_of, point_of }
    }
}

impl Scene {
    /// What each observation depends on.
    fn rows(&self) -> [Tensor<f64>; 4] {
        let cameras = self.cameras.index_select(0, &self.camera_of);
        let points = self.points.index_select(0, &self.point_of);
        [cameras, points, self.weights.clone(), self.features.clone()]
    }

    fn errors(&self, tape: &Tape<f64>) -> Errors {
        let rows = self.rows();
        let reprojection = Reprojection.map_rows(&rows.each_ref().map(|x| tape.constant(x))).value();
        Errors { reprojection, weight: self.weights.map(|w| 1.0 - w * w) }
    }

    /// Rows: two for each observation, then one for each weight. Columns: 11 for each camera, 3 for each point, one for
    /// each weight.
    fn jacobian(&self) -> Sparse {
        let (n, m, p) = (self.cameras.shape()[0], self.points.shape()[0], self.weights.shape()[0]);
        let [cameras, points, weights, features] = &self.rows();
        let (_, blocks) = Reprojection.jacobians(&[cameras, points, weights], &[features]); // [P, 2, 15]
        let values = Tensor::concat(0, &[blocks.reshape([30 * p]), self.weights.map(|w| -2.0 * w).reshape([p])]);
        let [points_start, weights_start] = [11 * n, 11 * n + 3 * m];
        let mut columns = Vec::with_capacity(31 * p);
        for (i, (camera, point)) in self.camera_of.iter().zip(&self.point_of).enumerate() {
            for _ in 0..2 {
                columns.extend((11 * camera..11 * camera + 11).map(|column| column as u32));
                columns.extend((points_start + 3 * point..points_start + 3 * point + 3).map(|column| column as u32));
                columns.push((weights_start + i) as u32);
            }
        }
        columns.extend((weights_start..weights_start + p).map(|column| column as u32));
        let row_starts = (0..2 * p).map(|row| 15 * row).chain((0..=p).map(|i| 30 * p + i));
        let row_starts = row_starts.map(|start| start as u32).collect();
        Sparse { row_starts, columns, values }
    }
}

struct Errors {
    /// `[P, 2]`
    reprojection: Tensor<f64>,
    /// `[P, 1]`
    weight: Tensor<f64>,
}

/// The copies are alike, so the suite wants one.
impl Output for Errors {
    fn to_json(&self) -> Value {
        let p = self.weight.shape()[0];
        json!({
            "reproj_error": { "elements": self.reprojection.select(0, 0).to_json(), "repeated": p },
            "w_err": { "element": self.weight.at([0, 0]), "repeated": p },
        })
    }
}

/// A matrix in compressed sparse rows.
struct Sparse {
    row_starts: Vec<u32>,
    columns: Vec<u32>,
    values: Tensor<f64>,
}

/// The two rows of the first observation, and the last element.
impl Output for Sparse {
    fn to_json(&self) -> Value {
        let some = |all: &[u32]| json!([&all[..30], &all[all.len() - 1..]].concat());
        let values = Tensor::concat(0, &[self.values.slice(0, ..30), self.values.slice(0, -1..)]);
        json!({ "rows": some(&self.row_starts), "cols": some(&self.columns), "vals": values.to_json() })
    }
}
