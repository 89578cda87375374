//! `cargo bench -p unspool-benches --bench numbers`: programs over single numbers, with and without derivatives.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use unspool::Number;
use unspool::numbers::{NumberTape, Reverse, derivative, gradient, jvp, preaccumulate};
use unspool::tensor::Dual;

/// The determinant of the rows from `row` on, in the columns that `next` links, by expansion along the first of them.
fn minor<N: Number>(a: &[N], n: usize, row: usize, next: &mut [usize]) -> N {
    let mut column = next[n];
    if row == n - 1 {
        return a[row * n + column];
    }
    let (mut sum, mut before) = (N::ZERO, n);
    for j in 0..n - row {
        next[before] = next[column];
        let term = a[row * n + column] * minor(a, n, row + 1, next);
        next[before] = column;
        if j % 2 == 0 {
            sum += term
        } else {
            sum -= term
        }
        (before, column) = (column, next[column]);
    }
    sum
}

fn determinant<N: Number>(a: &[N], n: usize) -> N {
    minor(a, n, 0, &mut links(n))
}

/// Each column's successor, and the first column at the end.
fn links(n: usize) -> Vec<usize> {
    (1..=n).chain([0]).collect()
}

/// The same with each minor preaccumulated, down to those of 6 x 6: the memory is that of one minor of each size.
fn preaccumulated<'t>(a: &[Reverse<'t, f64>], n: usize) -> Reverse<'t, f64> {
    if n <= 6 {
        return determinant(a, n);
    }
    let mut sum = Reverse::ZERO;
    for j in 0..n {
        let below: Vec<_> = (n..n * n).filter(|i| i % n != j).map(|i| a[i]).collect();
        let [minor] = preaccumulate(&below, |a| [preaccumulated(&a, n - 1)]);
        if j % 2 == 0 { sum += a[j] * minor } else { sum -= a[j] * minor }
    }
    sum
}

/// Per multiplication and addition.
fn determinants(c: &mut Criterion) {
    for n in [7, 8, 9] {
        let a: Vec<f64> = (0..n * n).map(|i| ((i * 7919 + 13) % 101) as f64 / 101.0).collect();
        let operations = (2..=n as u64).fold(0, |operations, m| m * (operations + 2));
        let mut group = group(c, &format!("determinant of {n} x {n} by minors"), operations);
        group.bench_function("f64", |b| b.iter(|| determinant(black_box(&a), n)));
        let mut tape = NumberTape::new();
        group.bench_function("gradient", |b| b.iter(|| tape.gradient(&a, |a| determinant(&a, n))));
        group.bench_function("gradient, minors preaccumulated", |b| {
            b.iter(|| tape.gradient(&a, |a| preaccumulated(&a, n)))
        });
    }
}

/// Horner's rule, one coefficient after the other.
fn polynomial<N: Number>(x: N, degree: u64) -> N {
    (0..degree).fold(N::ONE, |y, i| y * x + N::from_f64(1.0 / (i + 1) as f64))
}

fn polynomials(c: &mut Criterion) {
    let degree = 1000;
    let mut group = group(c, "polynomial of degree 1000", 2 * degree);
    group.bench_function("f64", |b| b.iter(|| polynomial(black_box(0.99), degree)));
    group.bench_function("derivative", |b| b.iter(|| derivative(black_box(0.99), |x| polynomial(x, degree))));
    let mut tape = NumberTape::new();
    group.bench_function("gradient", |b| b.iter(|| tape.gradient(&[black_box(0.99)], |[x]| polynomial(x, degree))));
    let mut tape = NumberTape::new();
    group.bench_function("second derivative, forward over reverse", |b| {
        b.iter(|| {
            let x = Dual { value: black_box(0.99), tangent: 1.0 };
            tape.gradient(&[x], |[x]| polynomial(x, degree)).1[0].tangent
        })
    });
}

/// The potential of two charges, one of which `w` moves.
fn potential<N: Number>([x, y]: [N; 2], w: N) -> N {
    let c = N::from_f64;
    let charge = |px: N, py: N| N::ONE / ((x - px) * (x - px) + (y - py) * (y - py)).sqrt();
    charge(c(10.0), c(10.0) - w) + charge(c(10.0), N::ZERO)
}

/// Where a particle is after Euler steps in a field of force.
fn fly<N: Number>(w: N, steps: u64, mut gradient_of_potential: impl FnMut([N; 2], N) -> [N; 2]) -> N {
    let c = N::from_f64;
    let (mut x, mut v) = ([c(0.0), c(8.0)], [c(0.75), c(0.0)]);
    let dt: N = c(0.01);
    for _ in 0..steps {
        let slope = gradient_of_potential(x, w);
        for i in 0..2 {
            x[i] += dt * v[i];
            v[i] -= dt * slope[i];
        }
    }
    x[0]
}

fn by_hand<N: Number>([x, y]: [N; 2], w: N) -> [N; 2] {
    let c = N::from_f64;
    let charge = |dx: N, dy: N| {
        let square = dx * dx + dy * dy;
        let cube = square * square.sqrt();
        [-dx / cube, -dy / cube]
    };
    let (a, b) = (charge(x - c(10.0), y - (c(10.0) - w)), charge(x - c(10.0), y));
    [a[0] + b[0], a[1] + b[1]]
}

fn forward<N: Number>(x: [N; 2], w: N) -> [N; 2] {
    [[N::ONE, N::ZERO], [N::ZERO, N::ONE]].map(|along| jvp(&x, &along, |x| potential(x, Dual::constant(w))).1)
}

fn reverse<N: Number>(tape: &mut NumberTape<N>, x: [N; 2], w: N) -> [N; 2] {
    tape.gradient(&x, |x| potential(x, Reverse::constant(w))).1
}

/// Per step, which has 32 operations with forces by hand.
fn trajectories(c: &mut Criterion) {
    let steps = 1000;
    let mut group = group(c, "particle in a field, 1000 steps", steps);
    let w = || black_box(0.1);
    group.bench_function("f64, forces by hand", |b| b.iter(|| fly(w(), steps, by_hand)));
    group.bench_function("f64, forces in forward mode", |b| b.iter(|| fly(w(), steps, forward)));
    let mut tape = NumberTape::new();
    group
        .bench_function("f64, forces in reverse mode", |b| b.iter(|| fly(w(), steps, |x, w| reverse(&mut tape, x, w))));
    group.bench_function("forward over forward", |b| b.iter(|| derivative(w(), |w| fly(w, steps, forward))));
    let mut tape = NumberTape::new();
    group.bench_function("forward over reverse", |b| {
        b.iter(|| derivative(w(), |w| fly(w, steps, |x, w| reverse(&mut tape, x, w))))
    });
    group.bench_function("reverse over forward", |b| b.iter(|| gradient(&[w()], |[w]| fly(w, steps, forward))));
    group.bench_function("reverse over reverse", |b| {
        b.iter(|| {
            gradient(&[w()], |[w]| {
                let mut tape = NumberTape::new();
                fly(w, steps, |x, w| reverse(&mut tape, x, w))
            })
        })
    });
}

fn group<'a>(c: &'a mut Criterion, name: &str, operations: u64) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(operations));
    group
}

criterion_group!(benches, determinants, polynomials, trajectories);
criterion_main!(benches);
