//! `cargo bench -p unspool-benches --bench kernel`: the products and maps that a step is made of, on their own.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use unspool::prelude::*;
use unspool_benches::values;

/// The products of a recurrent step, B by H with H by 4H, on the way there, on the way back, and for the weight over
/// all steps. Elements per second are floating-point operations per second.
fn products(c: &mut Criterion) {
    for (workload, time, batch, hidden) in
        [("W2", 50, 32, 20), ("W5", 100, 64, 256), ("W6", 100, 64, 512), ("W9", 100, 1, 128)]
    {
        let gates = 4 * hidden;
        let mut group = c.benchmark_group(format!("products, {workload}"));
        let flops = 2 * (batch * hidden * gates) as u64;
        let (h, u, gradient) = (values([batch, hidden]), values([hidden, gates]), values([batch, gates]));

        group.throughput(Throughput::Elements(flops));
        let id = |name: &str| BenchmarkId::new(name, format!("{batch}x{hidden}x{gates}"));
        group.bench_function(id("h U"), |b| b.iter(|| h.matmul(&u)));
        group.bench_function(id("dg U', as it lies"), |b| b.iter(|| gradient.matmul(&u.t())));
        let transposed = u.t().contiguous();
        group.bench_function(id("dg U', copied before"), |b| b.iter(|| gradient.matmul(&transposed)));

        group.sample_size(10);
        group.throughput(Throughput::Elements(time as u64 * flops));
        let id = |name: &str| BenchmarkId::new(name, format!("{time}x{batch}x{hidden}x{gates}"));
        let (hs, gradients, mut du) =
            (values([time, batch, hidden]), values([time, batch, gates]), Tensor::zeros([hidden, gates]));
        group.bench_function(id("h' dg, all steps"), |b| b.iter(|| du.add_matmul_tn(&hs, &gradients)));
        let steps: Vec<_> = (0..time).map(|t| (hs.select(0, t), gradients.select(0, t))).collect();
        group.bench_function(id("h' dg, step by step"), |b| {
            b.iter(|| steps.iter().for_each(|(h, gradient)| du.add_matmul_tn(h, gradient)))
        });
        group.finish();
    }
}

#[inline(always)]
fn plus(x: f32, y: f32) -> f32 {
    x + y
}

/// What one element costs in the elementwise loops, in cache; a copy is the control.
fn elementwise(c: &mut Criterion) {
    let mut group = c.benchmark_group("elementwise, 4096 f32");
    group.throughput(Throughput::Elements(4096));
    let (x, y) = (values([64, 64]), values([64]));
    group.bench_function("control: copy", |b| b.iter(|| x.copy()));
    group.bench_function("tanh", |b| b.iter(|| x.map(Number::tanh)));
    group.bench_function("sigmoid", |b| b.iter(|| x.map(Number::sigmoid)));
    group.bench_function("add", |b| b.iter(|| x.zip(&x, plus)));
    group.bench_function("add a row to each", |b| b.iter(|| x.zip(&y, plus)));
    group.bench_function("sum", |b| b.iter(|| x.sum()));
    group.finish();
}

criterion_group!(benches, elementwise, products);
criterion_main!(benches);
