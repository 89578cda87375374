//! `cargo bench -p unspool-benches --bench rows`: functions of a few numbers over rows, beside the same written by hand.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use unspool::autograd::Number;
use unspool::ops::{RowFunction, elementwise, row_function};
use unspool::prelude::*;
use unspool_benches::values;

#[inline(always)]
fn dot<N: Number>(a: [N; 3], b: [N; 3]) -> N {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[inline(always)]
fn cross<N: Number>([a, b, c]: [N; 3], [x, y, z]: [N; 3]) -> [N; 3] {
    [b * z - c * y, c * x - a * z, a * y - b * x]
}

row_function! {
    /// The weighted projection of bundle adjustment: of a point by a camera with radial distortion.
    struct Project = "project";
    |[r1, r2, r3, c1, c2, c3, focal, u0, v0, k1, k2, x, y, z, w]| -> [T; 2] {
        let (rotation, point) = ([r1, r2, r3], [x - c1, y - c2, z - c3]);
        let angle = dot(rotation, rotation).sqrt();
        let axis = rotation.map(|r| r / angle);
        let (sin, cos) = (angle.sin(), angle.cos());
        let (turned, along) = (cross(axis, point), dot(axis, point) * (T::ONE - cos));
        let [x, y, z] = [0, 1, 2].map(|i| point[i] * cos + turned[i] * sin + axis[i] * along);
        let (x, y) = (x / z, y / z);
        let square = x * x + y * y;
        let scale = focal * (T::ONE + square * (k1 + k2 * square));
        [w * (x * scale + u0), w * (y * scale + v0)]
    }
}

/// The values and the Jacobian of a projection, derived by hand.
fn project_by_hand(camera: &[f64], point: &[f64], w: f64, value: &mut [f64], jacobian: &mut [f64]) {
    let p: [f64; 3] = std::array::from_fn(|i| point[i] - camera[3 + i]);
    let r = [camera[0], camera[1], camera[2]];
    let angle = dot(r, r).sqrt();
    let a = r.map(|r| r / angle);
    let (sin, cos) = angle.sin_cos();
    let (turned, along) = (cross(a, p), dot(a, p));
    let q: [f64; 3] = std::array::from_fn(|i| p[i] * cos + turned[i] * sin + a[i] * along * (1.0 - cos));
    let (x, y) = (q[0] / q[2], q[1] / q[2]);
    let square = x * x + y * y;
    let (focal, k1, k2) = (camera[6], camera[9], camera[10]);
    let radial = 1.0 + square * (k1 + k2 * square);
    let slope = 2.0 * (k1 + 2.0 * k2 * square);
    let plane = [x * focal * radial + camera[7], y * focal * radial + camera[8]];
    for (m, (e, plane)) in [x, y].into_iter().zip(plane).enumerate() {
        // d(e radial) along dq, by the quotient rule.
        let by_x = e * slope * x + if m == 0 { radial } else { 0.0 };
        let by_y = e * slope * y + if m == 1 { radial } else { 0.0 };
        let by_q = [by_x, by_y, -(by_x * x + by_y * y)].map(|d| w * focal * d / q[2]);
        let out = &mut jacobian[15 * m..][..15];
        for j in 0..3 {
            let da: [f64; 3] = std::array::from_fn(|i| (f64::from(u8::from(i == j)) - a[i] * a[j]) / angle);
            let (dturned, dalong) = (cross(da, p), dot(da, p));
            let dq: [f64; 3] = std::array::from_fn(|i| {
                let by_angle = turned[i] * cos - p[i] * sin + a[i] * along * sin;
                by_angle * a[j] + dturned[i] * sin + (da[i] * along + a[i] * dalong) * (1.0 - cos)
            });
            out[j] = dot(by_q, dq);
            let unit: [f64; 3] = std::array::from_fn(|i| f64::from(u8::from(i == j)));
            let (dturned, dalong) = (cross(a, unit), a[j]);
            let dq = std::array::from_fn(|i| unit[i] * cos + dturned[i] * sin + a[i] * dalong * (1.0 - cos));
            out[11 + j] = dot(by_q, dq);
            out[3 + j] = -out[11 + j];
        }
        out[6] = w * e * radial;
        out[7] = if m == 0 { w } else { 0.0 };
        out[8] = if m == 1 { w } else { 0.0 };
        out[9] = w * focal * e * square;
        out[10] = w * focal * e * square * square;
        out[14] = plane;
        value[m] = w * plane;
    }
}

fn projections(c: &mut Criterion) {
    const ROWS: usize = 10_000;
    let mut group = c.benchmark_group("projections, 15 to 2, f64");
    group.throughput(Throughput::Elements(ROWS as u64));
    let number = |shape: [usize; 2]| values(shape).cast::<f64>().map(|x| 0.5 + 0.25 * x);
    let (cameras, points, weights) = (number([ROWS, 11]), number([ROWS, 3]).map(|x| x + 2.0), number([ROWS, 1]));
    let inputs = [&cameras, &points, &weights];

    let by_hand = || {
        let (mut y, mut jacobians) = (Tensor::scratch([ROWS, 2]), Tensor::scratch([ROWS, 2, 15]));
        let [cameras, points, weights] = inputs.map(|x| x.as_slice().expect("contiguous"));
        let to = y.as_mut_slice().chunks_exact_mut(2).zip(jacobians.as_mut_slice().chunks_exact_mut(30));
        let rows = cameras.chunks_exact(11).zip(points.chunks_exact(3)).zip(weights);
        for (((camera, point), w), (y, jacobian)) in rows.zip(to) {
            project_by_hand(camera, point, *w, y, jacobian);
        }
        (y, jacobians)
    };
    let (derived, expected) = (Project.jacobians(&inputs, &[]), by_hand());
    for (derived, expected) in [(&derived.0, &expected.0), (&derived.1, &expected.1)] {
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
        assert!(derived.to_vec().iter().zip(&expected.to_vec()).all(close));
    }
    group.bench_function("values and Jacobians", |b| b.iter(|| Project.jacobians(&inputs, &[])));
    group.bench_function("values and Jacobians by hand", |b| b.iter(by_hand));

    group.bench_function("values by hand", |b| {
        b.iter(|| {
            let mut y = Tensor::<f64>::scratch([ROWS, 2]);
            let [cameras, points, weights] = inputs.map(|x| x.as_slice().expect("contiguous"));
            let rows = cameras.as_chunks::<11>().0.iter().zip(points.as_chunks::<3>().0).zip(weights);
            for (y, ((c, p), w)) in y.as_mut_slice().chunks_exact_mut(2).zip(rows) {
                let [a, b, c, d, e, f, g, h, i, j, k] = *c;
                y.copy_from_slice(&Project.call([a, b, c, d, e, f, g, h, i, j, k, p[0], p[1], p[2], *w]));
            }
            y
        })
    });
    let mut tape = Tape::new();
    group.bench_function("values", |b| {
        b.iter(|| {
            Project.map_rows(&inputs.map(|x| tape.constant(x)));
            tape.reset();
        })
    });
    let ones = Tensor::ones([ROWS, 2]);
    group.bench_function("values and gradient", |b| {
        b.iter(|| {
            let inputs = inputs.map(|x| tape.variable(x));
            let gradients = Project.map_rows(&inputs).backward_with(&ones);
            drop(gradients);
            tape.reset();
        })
    });
    group.finish();
}

row_function! {
    /// The state c and the output h of an LSTM, from its gates.
    struct Gates = "gates";
    |[i, f, g, o, c]| -> [T; 2] {
        let c = f.sigmoid() * c + i.sigmoid() * g.tanh();
        [c, o.sigmoid() * c.tanh()]
    }
}

elementwise! {
    /// The state of an LSTM, with its gradients by hand.
    struct StateByHand = "state_by_hand";
    value: |[i, f, g, c]| f.sigmoid() * c + i.sigmoid() * g.tanh();
    gradients: |[i, f, g, c], _, dy| [
        { let y = i.sigmoid(); dy * g.tanh() * y * (T::ONE - y) },
        { let y = f.sigmoid(); dy * c * y * (T::ONE - y) },
        { let y = g.tanh(); dy * i.sigmoid() * (T::ONE - y * y) },
        dy * f.sigmoid(),
    ];
}

elementwise! {
    /// The output of an LSTM, with its gradients by hand.
    struct OutputByHand = "output_by_hand";
    value: |[o, c]| o.sigmoid() * c.tanh();
    gradients: |[o, c], _, dy| [
        { let y = o.sigmoid(); dy * c.tanh() * y * (T::ONE - y) },
        { let y = c.tanh(); dy * o.sigmoid() * (T::ONE - y * y) },
    ];
}

fn gates(c: &mut Criterion) {
    for (batch, hidden) in [(64, 256), (32, 20)] {
        let mut group = c.benchmark_group(format!("gates of an LSTM, {batch} x {hidden}, f32"));
        group.throughput(Throughput::Elements((batch * hidden) as u64));
        let (x, state) = (values([batch, 4 * hidden]), values([batch, hidden]));
        let ones = Tensor::ones([batch, hidden]);
        type Form = for<'t> fn([Var<'t>; 4], Var<'t>) -> [Var<'t>; 2];
        let forms: [(&str, Form); 2] = [
            ("row function", |[i, f, g, o], c| Gates.map_elements([i, f, g, o, c])),
            ("elementwise by hand", |[i, f, g, o], c| {
                let tape = c.tape();
                let c = tape.apply(StateByHand, &[i, f, g, c]);
                [c, tape.apply(OutputByHand, &[o, c])]
            }),
        ];
        for (name, form) in forms {
            let mut tape = Tape::new();
            group.bench_function(format!("{name}, forward"), |b| {
                b.iter(|| {
                    form(tape.constant(&x).chunks(), tape.constant(&state));
                    tape.reset();
                })
            });
            group.bench_function(format!("{name}, forward and backward"), |b| {
                b.iter(|| {
                    let (x, state) = (tape.variable(&x), tape.variable(&state));
                    let [c, h] = form(x.chunks(), state);
                    drop((c + h).backward_with(&ones));
                    tape.reset();
                })
            });
        }
        group.finish();
    }
}

criterion_group!(benches, projections, gates);
criterion_main!(benches);
