//! The projection of bundle adjustment, against the same in ops of the tape.

use unspool::autograd::Number;
use unspool::ops::{RowFunction, row_function};
use unspool::prelude::*;
use unspool_tests::{assert_close, values};

#[inline(always)]
fn dot<N: Number>(a: [N; 3], b: [N; 3]) -> N {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[inline(always)]
fn cross<N: Number>([a, b, c]: [N; 3], [x, y, z]: [N; 3]) -> [N; 3] {
    [b * z - c * y, c * x - a * z, a * y - b * x]
}

row_function! {
    /// The projection of a point by a camera with two coefficients of radial distortion; Triggs et al. 1999.
    pub struct Project = "project";
    |[r1, r2, r3, c1, c2, c3, focal, u0, v0, k1, k2, x, y, z]| -> [T; 2] {
        let (rotation, point) = ([r1, r2, r3], [x - c1, y - c2, z - c3]);
        let angle = dot(rotation, rotation).sqrt();
        let axis = rotation.map(|r| r / angle);
        let (sin, cos) = (angle.sin(), angle.cos());
        let (turned, along) = (cross(axis, point), dot(axis, point) * (T::ONE - cos));
        let [x, y, z] = [0, 1, 2].map(|i| point[i] * cos + turned[i] * sin + axis[i] * along);
        let (x, y) = (x / z, y / z);
        let square = x * x + y * y;
        let scale = focal * (T::ONE + square * (k1 + k2 * square));
        [x * scale + u0, y * scale + v0]
    }
}

fn dot_rows<'t>(a: Var<'t, f64>, b: Var<'t, f64>) -> Var<'t, f64> {
    (a * b).sum_keepdim(&[1])
}

#[test]
fn projections_are_those_of_the_tapes_ops() {
    super::check(&Project, &values([100, 14], 3), 1e-10);
    let tape = Tape::new();
    let cameras = tape.variable(&values([100, 11], 1));
    let points = tape.variable(&values([100, 3], 2).map(|x| x + 3.0));
    let [rotation, center, focal, principal, radial] = cameras.split(1, &[3, 3, 1, 2, 2]).try_into().ok().unwrap();
    let point = points - center;
    let angle = dot_rows(rotation, rotation).sqrt();
    let axis = rotation / angle;
    let [a, b] = [axis, point].map(|v| [0, 1, 2].map(|i| v.select(1, i)));
    let turned = [1, 2, 0].map(|i: usize| {
        let j = (i + 1) % 3;
        a[i] * b[j] - a[j] * b[i]
    });
    let turned = Var::stack(1, &turned);
    let turned = point * angle.cos() + turned * angle.sin() + axis * (dot_rows(axis, point) * (1.0 - angle.cos()));
    let flat = turned.slice(1, ..2) / turned.slice(1, 2..);
    let square = dot_rows(flat, flat);
    let scale = 1.0 + square * (radial.slice(1, ..1) + radial.slice(1, 1..) * square);
    let expected = flat * scale * focal + principal;

    let found = Project.map_rows(&[cameras, points]);
    assert_close("projections", &found.value(), &expected.value(), 1e-12);
    let seed = values([100, 2], 4);
    let (found, expected) = (found.backward_with(&seed), expected.backward_with(&seed));
    for x in [cameras, points] {
        assert_close("gradient", &found.wrt(x), &expected.wrt(x), 1e-10);
    }
}
