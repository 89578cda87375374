//! Hand tracking: how far points measured by a depth camera are from a model of a hand in the pose `theta`. Each point
//! belongs to a triangle of the model's surface, at barycentric coordinates `u`, or to a vertex.
//!
//! Taylor et al. 2014, "User-specific hand modeling from monocular depth sequences"; Šrajer, Kukelova and Fitzgibbon
//! 2018, "A benchmark of selected algorithmic differentiation tools on some problems in computer vision and machine
//! learning".

use super::Functions;
use crate::json::{matrices, matrix, vector};
use crate::runs::{run, run_on_tape};
use serde::Deserialize;
use unspool::autograd::{RowFunction, jacfwd, row_function};
use unspool::{Scalar, Tensor, Var};

pub(super) const FUNCTIONS: Functions = &[
    ("objective", |input| {
        run_on_tape(input, |tape, input: &Input| errors(input, tape.constant(&input.variables())).value().to_vec())
    }),
    // [3 N, 28] or [3 N, 26]
    ("jacobian", |input| run(input, |input: &Input| jacfwd(&input.variables(), |_, x| errors(input, x)))),
];

#[derive(Deserialize)]
struct Input {
    /// Rotation and translation of the hand, then four angles for each finger.
    #[serde(deserialize_with = "vector")]
    theta: Tensor<f64>,
    data: Measured,
    /// Barycentric coordinates `[N, 2]`, or none: then points belong to vertices.
    #[serde(deserialize_with = "matrix")]
    us: Tensor<f64>,
}

#[derive(Deserialize)]
struct Measured {
    model: Hand,
    /// The triangle or the vertex that each point belongs to.
    correspondences: Vec<usize>,
    /// `[N, 3]`
    #[serde(deserialize_with = "matrix")]
    points: Tensor<f64>,
}

/// `B` bones, and `V` vertices that move with them.
#[derive(Deserialize)]
struct Hand {
    /// The bone that each is attached to, which comes before it; -1 for the first.
    parents: Vec<isize>,
    /// From the coordinates of a bone to those of its parent, at rest: `[B, 4, 4]`.
    #[serde(deserialize_with = "matrices")]
    base_relatives: Tensor<f64>,
    /// From the coordinates of the model to those of a bone, at rest: `[B, 4, 4]`.
    #[serde(deserialize_with = "matrices")]
    inverse_base_absolutes: Tensor<f64>,
    /// Vertices at rest, in homogeneous coordinates: `[V, 4]`.
    #[serde(deserialize_with = "matrix")]
    base_positions: Tensor<f64>,
    /// How much each vertex moves with each bone: `[V, B]`.
    #[serde(deserialize_with = "matrix")]
    weights: Tensor<f64>,
    triangles: Vec<[usize; 3]>,
    is_mirrored: bool,
}

impl Input {
    /// What derivatives are taken by: a shift of the barycentric coordinates of all points, if there are any, and
    /// `theta`. Each point depends on its own coordinates alone, so a shift of all shows the derivatives of each.
    fn variables(&self) -> Tensor<f64> {
        let shifts = if self.us.numel() > 0 { 2 } else { 0 };
        Tensor::concat(0, &[Tensor::zeros([shifts]), self.theta.clone()])
    }
}

/// The distances of all points in x, y and z: `[3 N]`.
fn errors<'t, T: Scalar>(input: &Input, variables: Var<'t, T>) -> Var<'t, T> {
    let data = |x: &Tensor<f64>| variables.tape().data(x);
    let Measured { model, correspondences, points } = &input.data;
    let theta = variables.slice(0, -(input.theta.numel() as isize)..);
    let vertices = model.vertices(theta); // [V, 3]
    let count = correspondences.len();
    let errors = if input.us.numel() > 0 {
        let corners: Vec<usize> = correspondences.iter().flat_map(|&triangle| model.triangles[triangle]).collect();
        let corners = vertices.index_select(0, corners).reshape([count, 9]);
        FromSurface.map_rows(&[data(points), data(&input.us), variables.slice(0, ..2), corners])
    } else {
        data(points) - vertices.index_select(0, correspondences)
    };
    errors.reshape([3 * count])
}

row_function! {
    /// How far a point is from the one at barycentric coordinates, which are shifted, in the triangle of three corners.
    struct FromSurface = "from_surface";
    |[x, y, z, u, v, shift_u, shift_v, ax, ay, az, bx, by, bz, cx, cy, cz]| -> [T; 3] {
        let (u, v) = (u + shift_u, v + shift_v);
        let w = T::ONE - u - v;
        [x - (u * ax + v * bx + w * cx), y - (u * ay + v * by + w * cy), z - (u * az + v * bz + w * cz)]
    }
}

impl Hand {
    /// Where the vertices are in a pose: `[V, 3]`.
    fn vertices<'t, T: Scalar>(&self, theta: Var<'t, T>) -> Var<'t, T> {
        let data = |x: &Tensor<f64>| theta.tape().data(x);
        let bones = self.parents.len();
        let relatives = data(&self.base_relatives).matmul(self.joints(theta)); // [B, 4, 4]
        let mut absolutes: Vec<Var<'t, T>> = Vec::new();
        for (&parent, relative) in self.parents.iter().zip(relatives.unbind()) {
            absolutes.push(if parent < 0 { relative } else { absolutes[parent as usize].matmul(relative) });
        }
        let transforms = Var::stack(0, &absolutes).matmul(data(&self.inverse_base_absolutes)); // [B, 4, 4]
        // Linear blend skinning: the sum over bones of weight times transform times position.
        let weighted = data(&self.weights).unsqueeze(2) * data(&self.base_positions).unsqueeze(1); // [V, B, 4]
        // Mirrored and turned with the hand while there are few of them.
        let transforms = transforms.slice(1, ..3).transpose(1, 2).reshape([4 * bones, 3]);
        let mirror = data(&Tensor::from_slice(&[if self.is_mirrored { -1.0 } else { 1.0 }, 1.0, 1.0], [3]));
        let transforms = (transforms * mirror).matmul(rotation(theta.slice(0, ..3)).t());
        weighted.reshape([self.weights.shape()[0], 4 * bones]).matmul(transforms) + theta.slice(0, 3..6)
    }

    /// The rotation of each bone at its joint: `[B, 4, 4]`. Each finger has three bones that bend, the first of which also
    /// moves sideways.
    fn joints<'t, T: Scalar>(&self, theta: Var<'t, T>) -> Var<'t, T> {
        let (mut bends, mut swings) = (vec![26; self.parents.len()], vec![26; self.parents.len()]);
        for finger in 0..5 {
            let (bone, angle) = (2 + 4 * finger, 6 + 4 * finger);
            bends[bone..bone + 3].copy_from_slice(&[angle, angle + 2, angle + 3]);
            swings[bone] = angle + 1;
        }
        let with_zero = theta.pad(0, 0, 1); // element 26
        let [bend, swing] = [bends, swings].map(|angles| with_zero.index_select(0, angles)); // [B]
        let (sx, cx, sz, cz) = (bend.sin(), bend.cos(), swing.sin(), swing.cos());
        let zero = bend.new_zeros(bend.shape());
        let one = zero + 1.0;
        // Around x by the one, then around z by the other.
        #[rustfmt::skip]
        let elements = [
            cz, -sz * cx, sz * sx, zero,
            sz, cz * cx, -cz * sx, zero,
            zero, sx, cx, zero,
            zero, zero, zero, one,
        ];
        Var::stack(1, &elements).reshape([self.parents.len(), 4, 4])
    }
}

/// The rotation around an axis by an angle that is its length: Rodrigues's formula.
fn rotation<T: Scalar>(axis: Var<'_, T>) -> Var<'_, T> {
    let data = |x: &[f64], shape: [usize; 2]| axis.tape().data(&Tensor::from_slice(x, shape));
    let identity = data(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], [3, 3]);
    let angle = axis.square().sum().sqrt();
    if angle.item() < T::from_f64(1e-4) {
        return identity;
    }
    let axis = axis / angle;
    let (sin, cos) = (angle.sin(), angle.cos());
    // [[0, -z, y], [z, 0, -x], [-y, x, 0]]
    #[rustfmt::skip]
    let cross = data(&[
        0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0,
        0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0,
        0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    ], [3, 9]);
    let cross = axis.unsqueeze(0).matmul(cross).reshape([3, 3]);
    cos * identity + (1.0 - cos) * axis.outer(axis) + sin * cross
}
