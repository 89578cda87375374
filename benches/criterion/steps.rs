//! `cargo bench -p unspool-benches --bench steps`: a training step and its halves, beside the same step by hand.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::{Duration, Instant};
use unspool::Shards;
use unspool::prelude::*;
use unspool::{Gru, Lstm};
use unspool_benches::by_hand::LstmByHand;
use unspool_benches::models::{Batch, SequenceModel, SequenceTraining};
use unspool_benches::shards::{Training, cut, gradients};
use unspool_benches::values;
use unspool_benches::workload::{CellKind, Kind, LIST, Sequence, choose, parse};

fn sequence(id: &str) -> Sequence {
    let workloads = choose(&parse(LIST).expect("the list"), &[id.to_owned()]).expect("a workload of the list");
    match &workloads[0].kind {
        Kind::Seq(sequence) | Kind::Custom(sequence) => sequence.clone(),
        other => panic!("{id} is {other:?}"),
    }
}

fn library_cells(c: &mut Criterion) {
    for id in ["W1", "W2", "W3", "W5", "W8d", "W9"] {
        let spec = sequence(id);
        let batch = Batch::sequences(&spec);
        let mut group = c.benchmark_group(format!("training step, {id}"));
        group.sample_size(20);
        macro_rules! halves {
            ($cell:ident) => {
                halves::<SequenceTraining<$cell<Tensor>>>(&mut group, &SequenceModel::new(&spec, $cell::new), &batch)
            };
        }
        match spec.cell {
            CellKind::Rnn => halves!(SimpleRnn),
            CellKind::Gru => halves!(Gru),
            _ => halves!(Lstm),
        }
        if id == "W5" || id == "W8d" || id == "W9" {
            by_hand(&mut group, &spec);
        }
        group.finish();
    }
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn halves<K: Training>(group: &mut Group<'_>, model: &K::Model, batch: &K::Batch) {
    let mut tapes = [Tape::new()];
    group.bench_function("forward", |b| {
        b.iter(|| {
            black_box({
                let net = tapes[0].bind(model);
                K::loss(&net, &tapes[0], batch).item()
            });
            tapes[0].reset();
        })
    });
    group.bench_function("backward", |b| {
        b.iter_custom(|steps| {
            let mut total = Duration::ZERO;
            for _ in 0..steps {
                {
                    let net = tapes[0].bind(model);
                    let loss = K::loss(&net, &tapes[0], batch);
                    let started = Instant::now();
                    let gradients: K::Model = loss.backward().of(&net);
                    total += started.elapsed();
                    black_box(gradients);
                }
                tapes[0].reset();
            }
            total
        })
    });
    let (mut shards, parts) = (Shards::new(), cut::<K>(batch, 1));
    group.bench_function("step", |b| b.iter(|| gradients::<K>(&mut shards, model, &parts)));
}

fn by_hand(group: &mut Group<'_>, spec: &Sequence) {
    let (hidden, xs) = (spec.widths()[0], values([spec.time, spec.batch, spec.inputs]));
    let lstm = LstmByHand::of_size(spec.inputs, hidden);
    group.bench_function("by hand: forward", |b| b.iter(|| lstm.forward(&xs).0));
    let (_, kept) = lstm.forward(&xs);
    group.bench_function("by hand: backward", |b| b.iter(|| lstm.backward(&kept)));
    drop(kept);
    group.bench_function("by hand: step", |b| {
        b.iter(|| {
            let (loss, kept) = lstm.forward(&xs);
            black_box(loss);
            lstm.backward(&kept)
        })
    });
    // Input, gates, c and h: what a step leaves for the way back, once.
    let touched = values([spec.time, spec.batch, spec.inputs + 6 * hidden]);
    group.bench_function("control: copy what is kept", |b| b.iter(|| touched.copy()));
}

criterion_group!(benches, library_cells);
criterion_main!(benches);
