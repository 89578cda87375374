//! `cargo bench -p unspool-benches --bench tape`: what the tape costs beyond the arithmetic.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use unspool::prelude::*;
use unspool_benches::{tape_chain, values};

const LINKS: usize = 3333;
const OPS: u64 = 3 * LINKS as u64;

/// Per op, on 16 elements. The control is the same arithmetic on tensors, forward alone.
fn tape(c: &mut Criterion) {
    let mut group = c.benchmark_group("10,000 ops of 16 elements");
    group.throughput(Throughput::Elements(OPS));
    let (x, y, mut tape) = (values([16]), values([16]), Tape::new());
    group.bench_function("control: no tape, forward", |b| {
        b.iter(|| (0..LINKS).fold(x.clone(), |x, _| x.zip(&y, |x, y| x * y).zip(&y, |x, y| x + y).map(Number::tanh)))
    });
    group.bench_function("forward, nothing to record", |b| {
        b.iter(|| {
            black_box(chain(tape.constant(&x), tape.constant(&y)).value());
            tape.reset();
        })
    });
    group.bench_function("forward", |b| {
        b.iter(|| {
            black_box(chain(tape.variable(&x), tape.variable(&y)).value());
            tape.reset();
        })
    });
    group.bench_function("forward and backward", |b| b.iter(|| tape_chain(&mut tape, LINKS, &x, &y)));
    group.finish();
}

fn chain<'t>(x: Var<'t>, y: Var<'t>) -> Var<'t> {
    (0..LINKS).fold(x, |x, _| (x * y + y).tanh())
}

criterion_group!(benches, tape);
criterion_main!(benches);
