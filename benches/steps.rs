//! `cargo bench -p unspool-benches`: the cost of the tape itself, and of a training step.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use unspool::prelude::*;
use unspool_benches::{deep_rnn, gradient_step, tape_chain, values};

/// Per op, forward and backward, on 16 elements: what the tape costs beyond the arithmetic.
fn tape(c: &mut Criterion) {
    let mut group = c.benchmark_group("tape");
    let iterations = 3333;
    group.throughput(Throughput::Elements(3 * iterations as u64));
    let (x, y, mut tape) = (values([16]), values([16]), Tape::new());
    group.bench_function("10,000 ops of 16 elements", |b| b.iter(|| tape_chain(&mut tape, iterations, &x, &y)));
    group.finish();
}

/// The lecture's SimpleRNN(20)-SimpleRNN(20)-Dense(1), batch 32, 50 steps: forward, loss, all gradients.
fn deep(c: &mut Criterion) {
    let (model, x, y, mut tape) = (deep_rnn(), values([50, 32, 1]), values([32, 1]), Tape::new());
    c.bench_function("deep SimpleRNN step", |b| b.iter(|| gradient_step(&mut tape, &model, &x, &y)));
    c.bench_function("deep SimpleRNN forward", |b| {
        b.iter(|| {
            let loss = tape.bind_frozen(&model).forward(tape.constant(&x)).value();
            tape.reset();
            loss
        });
    });
}

/// What one element costs in the elementwise loops, in cache.
fn elementwise(c: &mut Criterion) {
    let mut group = c.benchmark_group("elementwise, 4096 f32");
    group.throughput(Throughput::Elements(4096));
    let (x, y) = (values([64, 64]), values([64]));
    group.bench_function("tanh", |b| b.iter(|| x.map(Scalar::tanh)));
    group.bench_function("sigmoid", |b| b.iter(|| x.map(Scalar::sigmoid)));
    group.bench_function("add", |b| {
        b.iter(|| {
            x.zip(
                "add",
                &x,
                #[inline(always)]
                |a, b| a + b,
            )
        })
    });
    group.bench_function("add a row to each", |b| {
        b.iter(|| {
            x.zip(
                "add",
                &y,
                #[inline(always)]
                |a, b| a + b,
            )
        })
    });
    group.bench_function("sum", |b| b.iter(|| x.sum()));
    group.finish();
}

criterion_group!(benches, elementwise, tape, deep);
criterion_main!(benches);
