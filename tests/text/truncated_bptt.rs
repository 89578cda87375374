//! Truncated backpropagation through time in parts: against one tape, at any number of threads, and that states are carried.

use unspool::prelude::*;
use unspool::text::{BpttBatch, LanguageModel, TruncatedBptt, bptt_batches};
use unspool::{CrossEntropy, Embedding, Lstm, Mode, State};
use unspool_tests::assert_close;

const TOKENS: usize = 9;
const TRAINING: Mode = Mode::Training { seed: 4 };

fn chunks(rows: usize) -> Vec<BpttBatch> {
    let tokens: Vec<usize> = (0..12 * rows + 1).map(|i| i * i * i % 31 % TOKENS).collect();
    bptt_batches(&tokens, rows, 4).unwrap().collect()
}

fn model<T: Scalar>() -> LanguageModel<Tensor<T>> {
    LanguageModel::new(&mut rng(3), TOKENS, 5, [6, 6], Lstm::new)
}

type States = Vec<(Tensor<f64>, Tensor<f64>)>;

/// The loss and the gradients of a chunk on one tape, and the state after it.
fn on_one_tape(chunk: &BpttBatch, carried: Option<&States>) -> (f64, LanguageModel<Tensor<f64>>, States) {
    let tape = Tape::new();
    let net = tape.bind(&model::<f64>());
    let (scores, state) = net.run(&chunk.inputs, carried, Mode::Evaluation);
    let loss = CrossEntropy::default().classes(scores, &chunk.targets);
    (loss.item(), loss.backward().of(&net), state.detach())
}

fn assert_same(what: &str, got: &(f64, LanguageModel<Tensor<f64>>), expected: &(f64, LanguageModel<Tensor<f64>>)) {
    assert!((got.0 - expected.0).abs() < 1e-14, "{what}: {} and {}", got.0, expected.0);
    for (name, (a, b)) in got.1.names().iter().zip(got.1.leaves().into_iter().zip(expected.1.leaves())) {
        assert_close(&format!("{what}: {name}"), a, b, 1e-14);
    }
}

#[test]
fn the_parts_of_a_batch_are_one_tape_over_all_of_it() {
    for rows in [1, 3, 32, 75] {
        let (mut bptt, mut carried) = (TruncatedBptt::new(), None);
        for (i, chunk) in chunks(rows).iter().enumerate() {
            let in_parts = bptt.gradients(&model(), chunk, Mode::Evaluation, |_, net, part| {
                let (scores, state) = net.run(&part.inputs, part.carried, part.mode);
                (CrossEntropy::default().classes(scores, &part.targets), state.detach())
            });
            let (loss, gradients, state) = on_one_tape(chunk, carried.as_ref());
            assert_same(&format!("{rows} rows, chunk {i}"), &in_parts, &(loss, gradients));
            // Without what was carried it would be another loss.
            assert!(i == 0 || (on_one_tape(chunk, None).0 - loss).abs() > 1e-6);
            carried = Some(state);
        }
    }
}

#[test]
fn a_restart_is_a_new_beginning() {
    let (chunks, mut bptt) = (chunks(40), TruncatedBptt::new());
    let loss = |bptt: &mut TruncatedBptt<_, f64>, chunk| {
        let (loss, _) = bptt.gradients(&model(), chunk, Mode::Evaluation, |_, net, part| {
            let (scores, state) = net.run(&part.inputs, part.carried, part.mode);
            (CrossEntropy::default().classes(scores, &part.targets), state.detach())
        });
        loss.to_bits()
    };
    let first = loss(&mut bptt, &chunks[0]);
    let again = loss(&mut bptt, &chunks[0]);
    bptt.restart();
    assert_ne!(first, again);
    assert_eq!(first, loss(&mut bptt, &chunks[0]));
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let train = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut model = model::<f32>().dropout(0.2);
            let (mut adam, mut bptt) = (Adam::default().clip_norm(1.0), TruncatedBptt::new());
            let mut losses = Vec::new();
            for epoch in 0..3 {
                bptt.restart();
                for (i, chunk) in chunks(100).iter().enumerate() {
                    let mode = Mode::Training { seed: epoch }.fold_in(i);
                    let (loss, gradients) = bptt.gradients(&model, chunk, mode, |_, net, part| {
                        let (scores, state) = net.run(&part.inputs, part.carried, part.mode);
                        (CrossEntropy::default().classes(scores, &part.targets), state.detach())
                    });
                    losses.push(loss.to_bits());
                    adam.step(&mut model, &gradients);
                }
            }
            let bits = |t: &Tensor| t.to_vec().into_iter().map(f32::to_bits).collect::<Vec<_>>();
            (losses, model.leaves().into_iter().flat_map(bits).collect::<Vec<_>>())
        })
    };
    let one = train(1);
    assert_eq!(one.0.len(), 9);
    for threads in [2, 3] {
        assert_eq!(train(threads), one, "{threads} threads");
    }
}

/// Each part has a dropout of its own.
#[test]
fn parts_have_modes_of_their_own() {
    let chunk = &chunks(64)[0];
    let seeds = std::sync::Mutex::new(Vec::new());
    TruncatedBptt::new().gradients(&model::<f32>(), chunk, TRAINING, |_, net, part| {
        let (scores, state) = net.run(&part.inputs, part.carried, part.mode);
        let loss = CrossEntropy::default().classes(scores, &part.targets);
        seeds.lock().unwrap().push(part.mode);
        (loss, state.detach())
    });
    let seeds = seeds.into_inner().unwrap();
    assert!(seeds.len() == 2 && seeds[0] != seeds[1] && !seeds.contains(&TRAINING), "{seeds:?}");
}

/// A model of one's own, whose state is one tensor.
#[derive(Params)]
struct Own<P> {
    words: Embedding<P>,
    layer: Recurrent<SimpleRnn<P>>,
    head: Dense<P>,
}

#[test]
fn any_model_may_be_trained_so() {
    let rng = &mut rng(1);
    let mut model: Own<Tensor> = Own {
        words: Embedding::new(rng, TOKENS, 4),
        layer: Recurrent::new(SimpleRnn::new(rng, 4, 8)),
        head: Dense::new(rng, 8, TOKENS),
    };
    let (mut bptt, mut adam) = (TruncatedBptt::new(), Adam::default().learning_rate(1e-2));
    let mut epoch = || {
        bptt.restart();
        let mut sum = 0.0;
        for chunk in &chunks(33) {
            let (loss, gradients) = bptt.gradients(&model, chunk, Mode::Evaluation, |_, net, part| {
                let run = net.layer.unroll(net.words.forward(&part.inputs)).carried(part.carried).run();
                (CrossEntropy::default().classes(net.head.forward(run.sequence()), &part.targets), run.state().detach())
            });
            adam.step(&mut model, &gradients);
            sum += loss;
        }
        sum / 3.0
    };
    let first = epoch();
    let last = (0..30).map(|_| epoch()).last().unwrap();
    assert!(last < 0.8 * first, "{last} after {first}");
}
